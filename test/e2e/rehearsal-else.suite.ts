import { Duration } from 'aws-cdk-lib';
import { expect, test, vi } from 'vitest';
import { StateName as S } from '../../lib/core/workflow/index.ts';
import { openClient } from '../../lib/local/database-client.ts';
import { bundleOf } from './local-workflow.ts';

import { copiesLeft, ORDERS, run, runtimeWith, visited } from './rehearsing.ts';

test('what fails on the copy never reaches the database', async () => {
  const runtime = await runtimeWith(Duration.minutes(5));
  await run(runtime, ORDERS);
  const { execution, outcome } = await run(runtime, {
    ...ORDERS,
    '0002_wrong.sql': 'ALTER TABLE orders DROP nothing;',
  });
  expect(outcome).toMatchObject({ status: 'FAILED', cause: expect.stringContaining('LS742') });
  expect(visited(execution)).not.toContain(S.TakeRestorePoint);
  expect(await copiesLeft(runtime)).toEqual([]);
});

test('who is overtaken by another run while the copy is made makes another one, and fails for no other reason', async () => {
  const runtime = await runtimeWith(Duration.minutes(5));
  await run(runtime, ORDERS);
  const { cloud, database, directory } = runtime;
  const files = { ...ORDERS, '0002_note.sql': 'ALTER TABLE orders ADD note text;' };
  const other = await openClient(database, 'another run');
  const execution = cloud.deploy(await bundleOf(files, directory)).start({});
  try {
    await vi.waitUntil(() => visited(execution).includes(S.MakeCopy), { timeout: 60_000 });
    // Until Rehearse looks at the ledger it is what the copy has; what Rehearse sees is another one.
    await other.query("BEGIN; LOCK TABLE lockstep.entry; UPDATE lockstep.entry SET at = at + interval '1 s'");
    await vi.waitUntil(() => visited(execution).includes(S.Rehearse), { timeout: 120_000 });
    await other.query('COMMIT');
    expect(await execution.outcome).toMatchObject({
      status: 'SUCCEEDED',
      output: { applied: ['0002_note'] },
    });
  } finally {
    await other.end();
  }
  expect(visited(execution).filter((state) => state === S.Rehearse)).toHaveLength(2);
  expect(await copiesLeft(runtime)).toEqual([]);
});
