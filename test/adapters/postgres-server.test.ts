import { expect, inject, test } from 'vitest';
import { queryRows } from '../support/postgres.ts';

test('the tests run on the server that their project is named after', async () => {
  const [row] = await queryRows<{ major: string }>(
    inject('postgresUrl'),
    `SELECT current_setting('server_version_num')::int / 10000 AS major`,
  );
  expect(inject('postgresName')).toContain(`PostgreSQL ${row?.major}`);
});
