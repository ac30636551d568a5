/** Input from outside that nobody would write: each is taken, or refused by a code of ours; nothing else happens. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import { databaseConfigFrom } from '../../lib/adapters/postgres/index.ts';
import { LockstepError } from '../../lib/core/errors/index.ts';
import { readBundle } from '../../lib/core/plan/bundle.ts';
import { arrangeFiles, arrangeRepeatables } from '../../lib/core/plan/compile/file-name.ts';
import * as published from '../../lib/core/published/index.ts';
import * as rollout from '../../lib/core/rollout/index.ts';
import * as workflow from '../../lib/core/workflow/index.ts';
import { compiledText } from '../support/compiled-text.ts';
import { hostileJson, likeSchema } from '../support/hostile.ts';

/** The result, or undefined when it was refused with one of these codes. Anything else is thrown. */
function refusedWith<T>(codes: readonly string[], act: () => T): T | undefined {
  try {
    return act();
  } catch (error) {
    if (error instanceof LockstepError && codes.includes(error.code)) return undefined;
    throw error;
  }
}

/** An event of CodePipeline, of which little is kept: what it is made into is no event. */
const MADE_INTO_ANOTHER_SHAPE = 'jobEventSchema';

const SCHEMAS = Object.entries<unknown>({ ...published, ...rollout, ...workflow }).filter(
  (each): each is [string, z.ZodType] => each[1] instanceof z.ZodType && each[0] !== MADE_INTO_ANOTHER_SHAPE,
);

describe('payloads of the functions', () => {
  test('all of them are looked at', () => {
    expect(SCHEMAS.length).toBeGreaterThan(40);
  });

  test.for(SCHEMAS)(
    '%s takes or refuses whatever comes, and takes again what it made of it',
    ([, schema]) => {
      const payload = fc.oneof(
        { weight: 1, arbitrary: hostileJson },
        { weight: 4, arbitrary: likeSchema(schema) },
      );
      fc.assert(
        fc.property(payload, (value) => {
          const first = schema.safeParse(value);
          if (!first.success) return;
          // A state's output is JSON, and the next state's input.
          const again = schema.safeParse(JSON.parse(JSON.stringify(first.data)));
          expect(JSON.stringify(again.data)).toBe(JSON.stringify(first.data));
        }),
        { numRuns: 20 },
      );
      expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
    },
  );
});

describe('a bundle', () => {
  const text = compiledText({
    '0001_a.sql': 'CREATE TABLE a ();',
    '0002_b.sql': 'CREATE INDEX CONCURRENTLY i ON a (id);',
  });

  test('of any text is LS209', () => {
    const texts = fc.oneof(
      fc.string({ unit: 'binary' }),
      hostileJson.map((json) => JSON.stringify(json)),
    );
    fc.assert(
      fc.property(texts, (any) => {
        expect(refusedWith(['LS209'], () => readBundle(any))).toBeUndefined();
      }),
    );
    expect(refusedWith(['LS209'], () => readBundle('['.repeat(200_000)))).toBeUndefined();
    expect(
      refusedWith(['LS209'], () => readBundle('{"a":'.repeat(5_000) + 1 + '}'.repeat(5_000))),
    ).toBeUndefined();
  });

  test('with a character changed is LS209, or the same bundle', async () => {
    const good = await text;
    const bundle = readBundle(good);
    fc.assert(
      fc.property(
        fc.nat({ max: good.length - 1 }),
        fc.string({ unit: 'binary', maxLength: 2 }),
        (at, other) => {
          const changed = refusedWith(['LS209'], () =>
            readBundle(good.slice(0, at) + other + good.slice(at + 1)),
          );
          // Its checksums are of the SQL; what else it says is for the plan and the reader.
          if (changed)
            expect(changed.migrations.map((m) => m.up.sql)).toEqual(bundle.migrations.map((m) => m.up.sql));
        },
      ),
      { numRuns: 100 },
    );
  });
});

describe('names of files', () => {
  const part = fc.constantFrom(
    '0001',
    '_',
    'a',
    ' ',
    "'",
    '"',
    '..',
    '/',
    '\\',
    '\n',
    '\0',
    '.sql',
    '.down',
    '.expand',
    'R_',
    'é',
    '‮',
    '9'.repeat(30),
  );
  const name = fc.array(part, { maxLength: 7 }).map((parts) => parts.join(''));

  test('of any characters are arranged, or refused', () => {
    fc.assert(
      fc.property(fc.array(name, { maxLength: 8 }), (names) => {
        const arranged = refusedWith(['LS201', 'LS202', 'LS210'], () => arrangeFiles(names));
        for (const { revision, slug } of arranged ?? [])
          expect(`${revision}_${slug}`).toMatch(/^\d+_[\w-]+$/);
        refusedWith(['LS201', 'LS202', 'LS210'], () => arrangeRepeatables(names));
      }),
      { numRuns: 300 },
    );
  });
});

test('settings of the database: any of them are taken, or LS102, without the password', () => {
  const CANARY = 'canary-7f3a';
  const word = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 12 }),
    fc.constantFrom('5432', '-1', 'localhost', '[::1]', 'require', 'a,b', '%00', '%zz'),
  );
  const url = fc
    .tuple(word, word, word, word, word)
    .map(
      ([user, host, port, path, query]) =>
        `postgres://${user}:${CANARY}@${host}:${port}/${path}?sslmode=${query}`,
    );
  const env = fc.dictionary(
    fc.constantFrom('PGHOST', 'PGPORT', 'PGUSER', 'PGSSLMODE', 'PGCONNECT_TIMEOUT', 'PGSSLROOTCERT'),
    word,
  );
  fc.assert(
    fc.property(fc.option(url, { nil: undefined }), env, (given, variables) => {
      try {
        databaseConfigFrom({ url: given, env: { ...variables, PGPASSWORD: CANARY }, readFile: () => '' });
      } catch (error) {
        expect(error).toMatchObject({ code: 'LS102' });
        expect((error as LockstepError).message).not.toContain(CANARY);
      }
    }),
    { numRuns: 300 },
  );
});
