import { expect, it } from 'vitest';
import { failureOf, siteForTest } from './site.ts';

const TABLE = 'CREATE TABLE public.t (id int);';
const BUILD = 'CREATE INDEX CONCURRENTLY i ON t (id);';

it('an index of that name on another table, earlier in the search_path, is not taken for the one that was begun', async () => {
  const site = await siteForTest();
  await site.rows(`CREATE SCHEMA tenant; CREATE TABLE tenant.other (id int); CREATE INDEX i ON tenant.other (id);
    ALTER DATABASE ${site.name} SET search_path = tenant, public`);
  const files = (last: string) => ({ '0001_mixed.sql': `${TABLE}\n${BUILD}\n${last}` });
  await failureOf(site.up(files('SELECT nowhere;')));
  // As a crash before the statement was sent leaves it.
  await site.rows("DROP INDEX public.i; UPDATE lockstep.journal SET state = 'started' WHERE step = 1");

  await site.up(files('SELECT 1;'));
  const indexes = await site.rows(
    `SELECT n.nspname AS schema, i.indisvalid AS valid FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
     JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relname = 'i' ORDER BY 1`,
  );
  expect(indexes).toEqual([
    { schema: 'public', valid: true },
    { schema: 'tenant', valid: true },
  ]);
});
