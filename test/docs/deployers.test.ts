/** docs/deployers.md: its code is compiled and run as it stands there; that of three other pages is compiled with it. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebhookSignal } from '../../lib/adapters/webhook/index.ts';
import { DEPLOYER_FUNCTION_NAMES } from '../../lib/core/workflow/index.ts';
import { rollOut } from '../contract/rollout-signal.contract.ts';
import { codeBlocks, readDocument } from './markdown.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const [constructs = '', hook = '', verify = ''] = codeBlocks('docs/deployers.md', 'ts');
const [afterRollOut = ''] = codeBlocks('docs/after-roll-out.md', 'ts');

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'lockstep-docs-'));
  writeFileSync(join(directory, 'package.json'), '{"type":"module"}');
  symlinkSync(join(ROOT, 'node_modules'), join(directory, 'node_modules'));
});
afterAll(() => rmSync(directory, { recursive: true }));

test('the code for an app compiles', () => {
  const here = (code: string) => code.replace("from 'lockstep'", `from '${join(ROOT, 'lib', 'index.ts')}'`);
  writeFileSync(join(directory, 'constructs.ts'), here(constructs));
  writeFileSync(join(directory, 'hook.ts'), here(hook));
  writeFileSync(join(directory, 'approval.ts'), here(codeBlocks('docs/approval.md', 'ts')[0] ?? ''));
  writeFileSync(join(directory, 'after-roll-out.ts'), here(afterRollOut));
  codeBlocks('docs/bundles.md', 'ts').forEach((code, i) => {
    writeFileSync(join(directory, `bundles-${i}.ts`), here(code));
  });
  writeFileSync(join(directory, 'verify.ts'), verify);
  const config = {
    extends: join(ROOT, 'tsconfig.json'),
    include: ['*.ts'],
    compilerOptions: { noEmit: true },
  };
  writeFileSync(join(directory, 'tsconfig.json'), JSON.stringify(config));
  const tsc = join(ROOT, 'node_modules', 'typescript', 'lib', 'tsc.js');
  const compile = () => execFileSync(process.execPath, [tsc, '-p', directory], { encoding: 'utf8' });
  expect(compile).not.toThrow();
}, 60_000);

describe('verifying by hand', () => {
  const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
  const nowMs = 1_795_000_000_000;

  async function delivered() {
    writeFileSync(join(directory, 'verify.ts'), verify);
    const { isGenuine } = await import(pathToFileURL(join(directory, 'verify.ts')).href);
    const requests: RequestInit[] = [];
    const fetch = async (_url: string | URL | Request, request: RequestInit = {}) => {
      requests.push(request);
      return new Response(null, { status: 204 });
    };
    await new WebhookSignal({ url: 'https://a.example', secret, nowMs: () => nowMs, fetch }).send(rollOut);
    const { headers, body } = requests[0] as { headers: Record<string, string>; body: string };
    return { isGenuine, headers, body };
  }

  test('accepts what Lockstep sends', async () => {
    const { isGenuine, headers, body } = await delivered();
    expect(isGenuine(secret, headers, body, nowMs)).toBe(true);
  });

  test('refuses a changed body, another secret, and a request that is old', async () => {
    const { isGenuine, headers, body } = await delivered();
    const other = `whsec_${Buffer.alloc(32, 8).toString('base64')}`;
    expect(isGenuine(secret, headers, body.replace('ROLL_OUT', 'ROLL_BACK'), nowMs)).toBe(false);
    expect(isGenuine(other, headers, body, nowMs)).toBe(false);
    expect(isGenuine(secret, headers, body, nowMs + 301_000)).toBe(false);
  });
});

test('the table of roles has a row for every function', () => {
  const rows = [...readDocument('docs/deployers.md').matchAll(/^\| `([a-z-]+)` +\|/gm)].map(
    ([, name]) => name,
  );
  expect(rows).toEqual([...DEPLOYER_FUNCTION_NAMES]);
});
