/** Errors of migrations and of foreign commands, each from its text to a run that is fine. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { ErrorCode } from '../../lib/core/errors/index.ts';
import { makeBundle, sha256 } from '../../lib/core/plan/catalog.ts';
import type { Bundle } from '../../lib/core/plan/index.ts';
import { type Ended, type Files, says, type Walk, type Ward, walk } from './ward.ts';

const TABLE = { '0001_t.sql': 'CREATE TABLE t (id int PRIMARY KEY, kind int);\n' };
const BUILD = 'CREATE INDEX CONCURRENTLY t_kind ON t (kind);\n';

/** A migration that fails, and its file corrected. */
const corrected = (wrong: Files, right: Files, line = 'up'): Walk => ({
  fault: async (ward) => {
    await ward.put(TABLE);
    await ward.done('up');
    await ward.put(wrong);
    return ward.run(line);
  },
  heal: async (ward) => {
    for (const file of Object.keys(wrong)) if (!(file in right)) await ward.remove(file);
    await ward.put(right);
  },
});

async function withHalf(ward: Ward): Promise<Ended> {
  await ward.put({ ...TABLE, '0002_half.sql': `${BUILD}SELECT nowhere;\n` });
  return ward.run('up');
}

const pidIn = ({ stderr }: Ended): string => /session (\d+)/.exec(stderr)?.[1] ?? '';
const STARTED = "WHERE revision = … AND state = 'started'";

const WALKS = {
  LS601: corrected(
    { '0002_a.sql': 'ALTER TABLE t RENAME COLUMN knd TO sort;\n' },
    { '0002_a.sql': 'ALTER TABLE t RENAME COLUMN kind TO sort;\n' },
  ),
  LS602: {
    fault: async (ward) => {
      await ward.put({ '0001_t.sql': 'CREATE TABLE t ();\nSELECT 1;\nCREATE TABLE u ();\n' });
      const bundle = join(ward.folder, 'bundle.json');
      await ward.done(`bundle --out ${bundle}`);
      await tamper(bundle, 'SELECT 1', 'COMMIT  ');
      return ward.run(`up --bundle ${bundle}`);
    },
    heal: async (ward) => {
      says('LS602', 'do by hand (or in a new migration) what is missing');
      await ward.sql('CREATE TABLE u ()');
      await ward.put({ '0001_t.sql': 'CREATE TABLE t ();\nCREATE TABLE u ();\n' });
      await ward.printed('LS602', 'lockstep repair --accept REVISION', { REVISION: '1' });
    },
  },
  LS603: {
    fault: async (ward) => {
      const file = (last: string) => ({
        '0001_lone.sql': `DROP SUBSCRIPTION IF EXISTS nowhere;\n${last};\n`,
      });
      await ward.put(file('SELECT nowhere'));
      await ward.run('up');
      await ward.sql("UPDATE lockstep.journal SET state = 'started'");
      await ward.put(file('SELECT 1'));
      return ward.run('up');
    },
    heal: (ward) =>
      ward.printed('LS603', `UPDATE lockstep.journal SET state = 'done' ${STARTED}`, { '…': '1' }),
  },
  LS604: corrected(
    { '0002_slow.sql': '-- lockstep: statement-timeout=10ms\nSELECT pg_sleep(0.5);\n' },
    { '0002_slow.sql': '-- lockstep: statement-timeout=1min\nSELECT pg_sleep(0.5);\n' },
  ),
  LS605: {
    fault: async (ward) => {
      await ward.put({ '0001_slow.sql': 'SELECT pg_sleep(600);\n' });
      const stopping = new AbortController();
      const ended = ward.run('up', { signal: stopping.signal });
      const asleep =
        "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'";
      while ((await ward.sql(asleep)).length === 0) await sleep(20);
      stopping.abort();
      return ended;
    },
    heal: (ward) => ward.put({ '0001_slow.sql': 'SELECT pg_sleep(0);\n' }),
  },
  LS606: {
    fault: async (ward) => {
      await ward.put(TABLE);
      await ward.done('up');
      return ward.run('down -1');
    },
    heal: async (ward) => {
      await ward.put({ '0001_t.down.sql': 'DROP TABLE t;\n' });
      await ward.printed('LS606', 'lockstep repair --accept REVISION', { REVISION: '1' });
      await ward.done('down -1');
    },
  },
  LS607: {
    fault: async (ward) => {
      await ward.put({
        ...TABLE,
        '0002_index.sql': BUILD,
        '0002_index.down.sql': 'DROP INDEX CONCURRENTLY t_kind;\nDROP TABLE held;\n',
      });
      await ward.done('up');
      await ward.run('down -1');
      await ward.put({ '0003_more.sql': 'SELECT 1;\n' });
      return ward.run('up');
    },
    heal: async (ward) => {
      await ward.put({ '0002_index.down.sql': 'DROP INDEX CONCURRENTLY t_kind;\n' });
      await ward.sql('CREATE TABLE held ()');
      await ward.printed('LS607', 'lockstep down -1');
    },
  },
  LS608: corrected(
    { '0002_a.sql': 'DO $$ BEGIN PERFORM pg_advisory_unlock_all(); END $$;\nCREATE TABLE a ();\n' },
    { '0002_a.sql': 'CREATE TABLE a ();\n' },
  ),
  LS609: corrected(
    { '0002_fill.backfill.sql': 'UPDATE t SET kind = 1 WHERE lockstep.batch(kind);\n' },
    { '0002_fill.backfill.sql': 'UPDATE t SET kind = 1 WHERE lockstep.batch(id);\n' },
  ),
  LS610: {
    fault: async (ward) => {
      await ward.put(TABLE);
      await ward.done('up');
      await ward.other('BEGIN; SELECT FROM t');
      await ward.put({ '0002_add.sql': 'ALTER TABLE t ADD COLUMN a int;\n' });
      return ward.run('up --lock-wait 300ms');
    },
    heal: (ward, seen) => ward.printed('LS610', 'SELECT pg_terminate_backend(PID)', { PID: pidIn(seen) }),
  },
  LS611: {
    fault: async (ward) => {
      await ward.put(TABLE);
      await ward.done('up');
      await ward.other('BEGIN; UPDATE lockstep.fence SET holder = holder');
      await ward.put({ '0002_add.sql': 'ALTER TABLE t ADD COLUMN a int;\n' });
      return ward.run('up --lock-wait 300ms');
    },
    heal: (ward, seen) => ward.printed('LS611', 'SELECT pg_terminate_backend(PID)', { PID: pidIn(seen) }),
  },
  LS612: {
    fault: async (ward) => {
      await withHalf(ward);
      await ward.rename('0002_half.sql', 'away');
      await ward.put({ '0003_more.sql': 'SELECT 1;\n' });
      return ward.run('up');
    },
    heal: async (ward) => {
      expect((await ward.printed('LS612', 'lockstep status'))?.stdout).toMatch(/Unfinished +0002_half/);
      await ward.put({ '0002_half.sql': `${BUILD}SELECT 1;\n` });
    },
  },
  LS613: corrected(
    { '0002_a.sql': 'CREATE TABLE u (id int);\nCREATE INDEX CONCURRENTLY IF NOT EXISTS t_pkey ON u (id);\n' },
    { '0002_a.sql': 'CREATE TABLE u (id int);\nCREATE INDEX CONCURRENTLY IF NOT EXISTS u_id ON u (id);\n' },
  ),
  LS614: corrected(
    { '0002_a.sql': 'ALTER TABLE t DROP COLUMN nowhere;\n' },
    { '0002_a.sql': 'ALTER TABLE t DROP COLUMN kind;\n' },
    'up --dry-run',
  ),
  LS720: {
    fault: async (ward) => {
      await ward.put({ ...TABLE, '0001_t.down.sql': 'DROP TABLE t;\n' });
      await ward.done('up');
      await ward.sql("UPDATE lockstep.run SET restore_point = 'by-hand'");
      return ward.run(`restore plan ${await lastRun(ward)}`);
    },
    heal: async (ward) => {
      const RUN = await lastRun(ward);
      await ward.printed('LS720', 'lockstep runs show RUN', { RUN });
      await ward.printed('LS720', 'lockstep down --run RUN', { RUN });
    },
  },
  LS801: {
    fault: async (ward) => {
      await ward.put(TABLE);
      return ward.run("exec -- sh -c 'exit 3'");
    },
    heal: async () => undefined,
    again: "exec -- sh -c 'exit 0'",
  },
  LS802: {
    fault: async (ward) => {
      await ward.put(TABLE);
      return ward.run('exec --timeout 200ms -- sleep 60');
    },
    heal: async () => undefined,
    again: 'exec --timeout 1m -- sleep 0',
  },
  LS803: {
    fault: async (ward) => {
      await ward.put(TABLE);
      return ward.run('exec -- no-such-program');
    },
    heal: async () => undefined,
    again: "exec -- sh -c 'true && true'",
  },
} as const satisfies Partial<Record<ErrorCode, Walk>>;

/** Other SQL of the same length, with checksums that are right for it: no compiler has seen it. */
async function tamper(file: string, from: string, to: string): Promise<void> {
  const { migrations } = JSON.parse(await readFile(file, 'utf8')) as Bundle;
  const changed = migrations.map((migration) => {
    const sql = migration.up.sql.replace(from, to);
    return { ...migration, up: { ...migration.up, sql, sha256: sha256(sql) } };
  });
  await writeFile(file, JSON.stringify(makeBundle(changed)));
}

async function lastRun(ward: Ward): Promise<string> {
  const [row] = await ward.sql<{ id: string }>(
    'SELECT run_id AS id FROM lockstep.run ORDER BY started_at DESC LIMIT 1',
  );
  return row!.id;
}

test.each(Object.entries(WALKS))('%s', (code, way) => walk(code as ErrorCode, way));

test('LS617, by mending what the other run failed with', async () => {
  const blocked = 'SELECT pg_advisory_xact_lock(4712);\n';
  const held =
    "SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = 4712 AND NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
  await walk('LS617', {
    fault: async (ward) => {
      await ward.put({ '0001_t.sql': `${blocked}SELECT nowhere;\n` });
      const gate = await ward.other('SELECT pg_advisory_lock(4712)');
      const first = ward.run('up');
      while ((await ward.sql(held)).length === 0) await sleep(20);
      const waits = Promise.withResolvers<void>();
      const second = ward.run('up', { told: (line) => /[Ww]aiting/.test(line) && waits.resolve() });
      await waits.promise;
      await ward.sql(`SELECT pg_terminate_backend(${gate})`);
      expect((await first).stderr).toContain('LS601');
      return second;
    },
    heal: async (ward, { stderr }) => {
      const [, run = ''] = /run ([^\s,]+)/.exec(stderr) ?? [];
      await ward.printed('LS617', 'lockstep runs show RUN', { RUN: run });
      await ward.put({ '0001_t.sql': 'SELECT 1;\n' });
    },
  });
});
