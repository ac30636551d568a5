import { describe, expect, it } from 'vitest';
import { previewPlan } from '../../lib/engine/index.ts';
import { listenIn } from '../support/wire.ts';
import { configOf, type Files, failureOf, type Site, siteForTest, sourceOf } from './site.ts';

const shown = (site: Site, files: Files) => previewPlan({ ...site.context(), source: sourceOf(files) });

const messagesIn = ({ migrations }: Awaited<ReturnType<typeof shown>>) =>
  migrations.flatMap((m) => m.steps.flatMap((step) => step.messages.map(({ sql }) => sql)));

/** Seen in no message by chance. */
const TOKEN = 765_432_198;
const RUN = 'the-run';

/** What `up` sends between the beginning and the end of its run, with the names of what is its own. */
async function sentBy(site: Site, files: Files): Promise<string[]> {
  const { url, queries } = await listenIn(site.url);
  await site.rows(`UPDATE lockstep.fence SET token = ${TOKEN - 1}`);
  await site.up(files, { database: configOf(url), holder: RUN });
  const [from, to] = [/INSERT INTO lockstep\.run/, /UPDATE lockstep\.run/].map((sql) =>
    queries.findLastIndex((q) => sql.test(q)),
  );
  return queries.slice(from! + 1, to).map((q) =>
    q
      .replaceAll(String(TOKEN), ':token')
      .replaceAll(RUN, ':run')
      .replace(/(note_locks\('\d+', \d+, \w+, )'.*', \d+, \d+\)/, '$1:locks)'),
  );
}

const BEFORE = {
  '0001_before.sql': 'CREATE TABLE before (id int PRIMARY KEY, name text); INSERT INTO before VALUES (7);',
};

describe('what is shown beforehand is what is sent', () => {
  it('for transactions: the same messages, and no others', async () => {
    const site = await siteForTest();
    await site.up(BEFORE);
    const files = {
      ...BEFORE,
      '0002_a.sql': `-- ünï\nCREATE TABLE a (id int); INSERT INTO a VALUES (1);\n`,
      '0002_a.down.sql': 'DROP TABLE a;',
      '0003_b.contract.sql': `-- lockstep: statement-timeout=5s\nCREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$ SELECT 1 $$;`,
      '0004_empty.sql': '-- nothing',
    };
    const before = messagesIn(await shown(site, files));
    const sent = await sentBy(site, files);
    expect(before).toHaveLength(3);
    expect(sent.filter(isWrite)).toEqual(before);
  });

  it('for statements outside a transaction and back-fills: the same messages, and looks at the catalogs between them', async () => {
    const site = await siteForTest();
    await site.up(BEFORE);
    const files = {
      ...BEFORE,
      '0002_mixed.sql': 'CREATE TABLE a (id int); CREATE INDEX CONCURRENTLY i ON a (id); VACUUM a; SELECT 1;',
      '0003_fill.backfill.sql': `UPDATE before SET name = 'x' WHERE lockstep.batch(id);`,
    };
    const before = messagesIn(await shown(site, files));
    const sent = await sentBy(site, files);
    // Where the table ends is not known beforehand.
    const found = sent
      .filter(isWrite)
      .map((q) =>
        q
          .replaceAll(`'["7"]'`, `'[":last_id"]'`)
          .replaceAll(`<= ('7')`, `<= (':last_id')`)
          .replace('keys + 1,', 'keys + :keys,'),
      );
    expect(found).toEqual(before);
  });

  it('for strong locks: the same message, but for what is noted of them', async () => {
    const site = await siteForTest();
    await site.up(BEFORE);
    const files = { ...BEFORE, '0002_a.sql': 'ALTER TABLE before ADD COLUMN a int;' };
    const before = messagesIn(await shown(site, files));
    expect(before[0]).toMatch(/lockstep\.note_locks\(.*:locks\)/);
    expect((await sentBy(site, files)).filter(isWrite)).toEqual(before);
  });

  it('for repeatable objects, behind the migrations', async () => {
    const site = await siteForTest();
    await site.up(BEFORE);
    const files = {
      ...BEFORE,
      '0002_a.sql': 'CREATE TABLE a (id int);',
      'R_names.sql': 'CREATE OR REPLACE VIEW names AS SELECT 1 AS name;',
    };
    const preview = await shown(site, files);
    expect(preview.migrations.map((m) => m.phase)).toEqual(['expand', 'repeatable']);
    expect((await sentBy(site, files)).filter(isWrite)).toEqual(messagesIn(preview));
  });

  it('leaves out the steps that an earlier attempt has done', async () => {
    const site = await siteForTest();
    const half = (end: string) => ({ '0001_a.sql': `CREATE TABLE a (id int); VACUUM; ${end};` });
    await failureOf(site.up(half('SELECT 1/0')));
    const files = half('SELECT 1');
    const preview = await shown(site, files);
    expect(preview.migrations[0]?.steps.map(({ kind, isDone }) => [kind, isDone])).toEqual([
      ['transaction', true],
      ['alone', true],
      ['transaction', false],
    ]);
    expect((await sentBy(site, files)).filter(isWrite)).toEqual(messagesIn(preview));
  });

  it('needs no ledger, and writes none', async () => {
    const site = await siteForTest();
    expect(messagesIn(await shown(site, BEFORE))).toHaveLength(1);
    expect(await site.rows("SELECT FROM pg_namespace WHERE nspname = 'lockstep'")).toEqual([]);
    await site.up(BEFORE);
    expect(await shown(site, BEFORE)).toMatchObject({ plan: { outcome: 'nothing-pending' }, migrations: [] });
    expect(await shown(site, { '0001_before.sql': 'SELECT 1;' })).toMatchObject({
      plan: { outcome: 'refused' },
      migrations: [],
    });
  });
});

/** Looks at the catalogs and the journal are no part of what is shown. */
const isWrite = (sql: string): boolean =>
  !/^\s*(?:SELECT(?!.*(?:check_fence|set_config\('lock_timeout'))|SET application_name)/s.test(sql);
