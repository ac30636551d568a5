/** Each check of a published bundle taken out once: then something gets through that must not. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { applyEdits, type Edit } from '../faults/edit.ts';
import { INSTRUCTIONS, type Instructions } from '../faults/fault.ts';

const run = promisify(execFile);
const PRELOAD = new URL('../faults/preload.ts', import.meta.url).href;
const ATTACKS = fileURLToPath(new URL('published-attacks.ts', import.meta.url));
const LONG_MS = 60_000;

async function through(edits: readonly Edit[]): Promise<readonly string[]> {
  const instructions: Instructions = { edits, fault: undefined };
  const env = { PATH: process.env.PATH, [INSTRUCTIONS]: JSON.stringify(instructions) };
  const { stdout } = await run(process.execPath, ['--import', PRELOAD, ATTACKS], { env });
  return JSON.parse(stdout) as string[];
}

const checked = (find: string, replace: string): Edit => ({
  file: 'lib/core/published/checked.ts',
  find,
  replace,
});

const MUTANTS: readonly (readonly [name: string, gets: string, edit: Edit])[] = [
  [
    'the digest is not compared',
    'other bytes are opened',
    checked('if (digest !== address.sha256) throw otherDigest(address, digest);', ''),
  ],
  [
    'the signature is not checked',
    'what another key signed is opened',
    checked('if (!(await signatures.isGenuine(address.sha256, signature))) throw', 'if (false) throw'),
  ],
  [
    'a signature is checked only if there is one',
    'what nobody signed is opened',
    checked('if (!signature) throw unsigned(address, signingKey);', 'if (!signature) return;'),
  ],
  [
    'the key asks for no signature',
    'what nobody signed is opened',
    checked('if (setting.signingKey !== undefined)', 'if (false)'),
  ],
  [
    'the newest version is read',
    'another version is opened than was named',
    {
      file: 'lib/adapters/aws-requests/s3-bundle-objects.ts',
      find: 'const query = { versionId: address.versionId };',
      replace: 'const query = {};',
    },
  ],
  [
    'what is signed is not the digest',
    'a signature of another bundle is taken',
    {
      file: 'lib/core/published/address.ts',
      find: "'sha256', sha256].join",
      replace: "'sha256'].join",
    },
  ],
  [
    'any place will do',
    'what lies elsewhere is opened',
    checked('!address.key.startsWith(setting.prefix)', 'false'),
  ],
];

it(
  'as it is, nothing gets through',
  async () => {
    expect(await through([])).toEqual([]);
  },
  LONG_MS,
);

describe('without a check', () => {
  it.each(MUTANTS)(
    '%s: %s',
    async (_, gets, edit) => {
      applyEdits(readFileSync(new URL(`../../${edit.file}`, import.meta.url), 'utf8'), [edit]);
      expect(await through([edit])).toContain(gets);
    },
    LONG_MS,
  );
});
