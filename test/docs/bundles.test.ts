/** docs/bundles.md: the code that checks a signature does; the rest is compiled in deployers.test.ts and run in test/e2e. */
import { generateKeyPairSync, sign } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { sha256 } from '../../lib/core/plan/index.ts';
import { signedText } from '../../lib/core/published/index.ts';
import { codeBlocks } from './markdown.ts';

test('a signature can be checked as the page says', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'lockstep-docs-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const file = join(directory, 'signed.mts');
  writeFileSync(file, codeBlocks('docs/bundles.md', 'ts').at(-1) ?? '');
  const { isSigned } = await import(pathToFileURL(file).href);
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const pem = publicKey.export({ type: 'spki', format: 'pem' });
  const bundle = Buffer.from('{"format":1}\n');
  const value = sign('sha256', Buffer.from(signedText(sha256(bundle))), privateKey).toString('base64');
  expect(isSigned(bundle, value, pem)).toBe(true);
  expect(isSigned(Buffer.from('{"format":2}\n'), value, pem)).toBe(false);
});
