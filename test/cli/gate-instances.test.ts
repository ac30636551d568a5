import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it, onTestFinished } from 'vitest';
import { migrateOnStartup, waitForSchema } from '../../lib/gate.ts';
import { queryRows } from '../support/postgres.ts';
import { folderWith } from './command-line.ts';
import { databaseForTest } from './database-content.ts';

const RELEASE_1 = { '0001_people.sql': 'CREATE TABLE people (id bigint, nom text);\n' };
const RELEASE_2 = {
  ...RELEASE_1,
  '0002_add_name.sql': 'ALTER TABLE people ADD COLUMN name text;\n',
  '0003_drop_nom.contract.sql': 'ALTER TABLE people DROP COLUMN nom;\n',
};

async function site() {
  const { url: databaseUrl } = await databaseForTest();
  const [first, second] = [await folderWith(RELEASE_1), await folderWith(RELEASE_2)];
  return {
    databaseUrl,
    old: { databaseUrl, migrations: first },
    new: { databaseUrl, migrations: second },
    heads: async () =>
      (
        await queryRows<{ head: string }>(databaseUrl, 'SELECT head FROM lockstep.instance ORDER BY head')
      ).map(({ head }) => head),
    until: async (condition: string) => {
      const sql = `SELECT FROM lockstep.instance i WHERE ${condition}`;
      await expect.poll(() => queryRows(databaseUrl, sql), { timeout: 20_000 }).toHaveLength(1);
    },
  };
}

const ALIVE = "i.heard_at > clock_timestamp() - 3 * i.every_ms * interval '1 ms'";

describe('a release that rolls out by itself', () => {
  it('expands while old instances live, is ready, and contracts with the first start after they have gone', async () => {
    const at = await site();
    const old = await migrateOnStartup(at.old);
    const told: string[] = [];
    const on = ({ kind }: { kind: string }) => told.push(kind);
    const starts = await Promise.all([1, 2, 3].map(() => migrateOnStartup({ ...at.new, on })));
    for (const start of starts) {
      expect(start).toMatchObject({ mode: 'run', plan: { heldBack: [{ revision: '0003' }] } });
    }
    expect(told).toContain('contract-held-back');
    expect(await at.heads()).toEqual(['0001', '0003', '0003', '0003']);
    await old.leave();
    expect(await migrateOnStartup(at.new)).toMatchObject({ ran: true, applied: ['0003_drop_nom'] });
    // The app is rolled back all the same: the database is ahead, as ever.
    expect(await migrateOnStartup(at.old)).toMatchObject({ outcome: 'ahead' });
  });

  it('leaves contract to others with phase: expand, and where it only waits', async () => {
    const at = await site();
    expect(await migrateOnStartup({ ...at.new, phase: 'expand' })).toMatchObject({
      applied: ['0001_people', '0002_add_name'],
    });
    expect(await waitForSchema(at.new)).toMatchObject({ mode: 'wait', plan: { outcome: 'nothing-pending' } });
    expect(await at.heads()).toEqual(['0003', '0003']);
  });

  it('is not recorded with heartbeatMs: 0', async () => {
    const at = await site();
    const { leave } = await migrateOnStartup({ ...at.old, heartbeatMs: 0 });
    await leave();
    expect(await at.heads()).toEqual([]);
  });
});

describe('the heartbeat of a process', () => {
  const GATE = new URL('../../lib/gate.ts', import.meta.url).href;

  function app(options: object, afterwards: string): ChildProcess {
    const script = `const { migrateOnStartup } = await import(${JSON.stringify(GATE)});
      const { leave } = await migrateOnStartup(${JSON.stringify(options)}); ${afterwards}`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'inherit' });
    onTestFinished(() => {
      child.kill('SIGKILL');
    });
    return child;
  }

  it('goes on while it serves, stops while it is frozen, and goes on afterwards; gone after a kill', async () => {
    const at = await site();
    const child = app({ ...at.old, heartbeatMs: 300 }, 'setInterval(() => undefined, 1000);');
    await at.until(`${ALIVE} AND i.heard_at > i.started_at + interval '1 s'`);
    child.kill('SIGSTOP');
    await at.until(`NOT ${ALIVE}`);
    child.kill('SIGCONT');
    await at.until(ALIVE);
    child.kill('SIGKILL');
    await at.until(`NOT ${ALIVE}`);
    expect((await migrateOnStartup(at.new)).mode).toBe('run');
  });

  it('does not keep a process from ending, which is still recorded then, unless it left', async () => {
    const at = await site();
    const [code] = await once(app(at.old, ''), 'exit');
    expect(code).toBe(0);
    expect(await at.heads()).toEqual(['0001']);
    await once(app(at.new, 'await leave();'), 'exit');
    expect(await at.heads()).toEqual(['0001']);
  });
});
