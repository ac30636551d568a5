/** Errors of rehearsals on a copy, each from its text to a release that was rehearsed and is applied. */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { onTestFinished, test } from 'vitest';
import type { ErrorCode } from '../../lib/core/errors/index.ts';
import { queryRows } from '../support/postgres.ts';
import { type Files, says, type Walk, type Ward, walk } from './ward.ts';

const ORDERS = { '0001_orders.sql': 'CREATE TABLE orders (id int PRIMARY KEY);\n' };
const NOTE = { '0002_note.sql': 'ALTER TABLE orders ADD note text;\n' };
const SLOW = { '0002_note.sql': 'ALTER TABLE orders ADD note text;\nSELECT pg_sleep(0.1);\n' };

/** As `createdb --template` makes one. */
async function copyOf({ url, name }: Ward): Promise<string> {
  const copy = `${name}_${randomUUID().slice(0, 8)}`;
  const maintenance = Object.assign(new URL(url), { pathname: '/postgres' }).href;
  await queryRows(maintenance, `CREATE DATABASE ${copy} TEMPLATE ${name}`);
  onTestFinished(async () => void (await queryRows(maintenance, `DROP DATABASE ${copy} WITH (FORCE)`)));
  return Object.assign(new URL(url), { pathname: `/${copy}` }).href;
}

async function pending(ward: Ward, files: Files = NOTE): Promise<void> {
  await ward.put(ORDERS);
  await ward.done('up');
  await ward.put(files);
}

async function rehearsed(ward: Ward): Promise<void> {
  await ward.done(`rehearse --on ${await copyOf(ward)}`);
}

const WALKS = {
  LS740: {
    fault: async (ward) => {
      await pending(ward);
      const role = `plain_${randomUUID().slice(0, 8)}`;
      await ward.sql(`CREATE ROLE ${role} LOGIN PASSWORD 'word'; GRANT USAGE ON SCHEMA lockstep TO ${role};
        GRANT SELECT ON ALL TABLES IN SCHEMA lockstep TO ${role}`);
      onTestFinished(async () => void (await ward.sql(`DROP OWNED BY ${role}; DROP ROLE ${role}`)));
      const url = Object.assign(new URL(ward.url), { username: role, password: 'word' }).href;
      return ward.run('rehearse', { url });
    },
    heal: async (ward) => {
      says('LS740', 'make a copy yourself and give it with `--on`');
      await rehearsed(ward);
    },
  },
  LS741: {
    fault: async (ward) => {
      await pending(ward);
      return ward.run(`rehearse --on ${ward.url}`);
    },
    heal: async (ward) => {
      says('LS741', 'Make a new copy for each rehearsal');
      await rehearsed(ward);
    },
  },
  LS742: {
    fault: async (ward) => {
      await pending(ward, { '0002_note.sql': 'ALTER TABLE ordres ADD note text;\n' });
      return ward.run(`rehearse --on ${await copyOf(ward)}`);
    },
    heal: async (ward) => {
      says('LS742', 'correct the file and rehearse again, on a new copy');
      await ward.put(NOTE);
      await rehearsed(ward);
    },
  },
  LS743: {
    fault: async (ward) => {
      await pending(ward, SLOW);
      return ward.run(`rehearse --max-duration 50ms --on ${await copyOf(ward)}`);
    },
    heal: async (ward) => {
      says('LS743', 'Or choose an hour at which that wait does no harm, and allow it');
      await ward.done(`rehearse --max-duration 10m --on ${await copyOf(ward)}`);
    },
  },
  LS744: {
    fault: async (ward) => {
      await pending(ward);
      return ward.run(`plan --rehearsal ${join(ward.folder, '0002_note.sql')}`);
    },
    heal: async (ward) => {
      says('LS744', 'give the file that `lockstep rehearse --out` wrote');
      const file = join(ward.folder, 'rehearsal.json');
      await ward.done(`rehearse --out ${file} --on ${await copyOf(ward)}`);
      await ward.done(`plan --rehearsal ${file}`);
    },
  },
} as const satisfies Partial<Record<ErrorCode, Walk>>;

test.each(Object.entries(WALKS))('%s', (code, way) => walk(code as ErrorCode, way));
