/** Errors of the server, the lease and the plan, each from its text to a run that is fine. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import type { ErrorCode } from '../../lib/core/errors/index.ts';
import { closedPort } from '../support/closed-port.ts';
import { queryRows } from '../support/postgres.ts';
import { type Walk, type Ward, walk } from './ward.ts';

const ACCOUNTS = 'CREATE TABLE accounts (id bigint PRIMARY KEY, name text);\n';
const FIRST = { '0001_accounts.sql': ACCOUNTS, '0001_accounts.down.sql': 'DROP TABLE accounts;\n' };
const SECOND = {
  '0002_notes.sql': 'CREATE TABLE notes (id bigint);\n',
  '0002_notes.down.sql': 'DROP TABLE notes;\n',
};
const CONTRACT = { '0003_drop.contract.sql': 'ALTER TABLE accounts DROP COLUMN name;\n' };

const other = (url: string, change: (url: URL) => void): string => {
  const changed = new URL(url);
  change(changed);
  return changed.href;
};

const madeUrl = ({ url, name }: Ward): string =>
  other(url, (to) => {
    to.pathname = `/${name}_made`;
  });

/** The address is wrong in some way; the right one heals. */
const wrongAddress = (change: (url: URL) => Promise<void> | void): Walk => ({
  fault: async (ward) => {
    await ward.put(FIRST);
    const url = new URL(ward.url);
    await change(url);
    return ward.run('up', { url: url.href });
  },
  heal: async () => undefined,
});

async function applied(ward: Ward): Promise<void> {
  await ward.put({ ...FIRST, ...SECOND });
  await ward.done('up');
}

async function runIds(ward: Ward): Promise<string[]> {
  const { runs } = JSON.parse((await ward.done('runs --json')).stdout) as {
    runs: { runId: string }[];
  };
  return runs.map(({ runId }) => runId);
}

const WALKS = {
  LS301: wrongAddress(async (url) => {
    url.port = String(await closedPort());
    url.searchParams.set('connect_timeout', '1');
  }),
  LS302: wrongAddress((url) => {
    url.password = 'rotated';
  }),
  LS303: wrongAddress((url) => {
    url.searchParams.set('sslmode', 'verify-full');
  }),
  LS305: {
    fault: async (ward) => {
      await ward.put(FIRST);
      await ward.sql(`ALTER DATABASE ${ward.name} SET default_transaction_read_only = on`);
      return ward.run('up');
    },
    heal: (ward) =>
      ward.sql(`BEGIN READ WRITE; ALTER DATABASE ${ward.name} RESET default_transaction_read_only; COMMIT`),
  },
  LS308: {
    fault: async (ward) => {
      await ward.put(FIRST);
      return ward.run('up', { url: madeUrl(ward) });
    },
    heal: async (ward) => {
      const url = madeUrl(ward);
      onTestFinished(
        async () =>
          void (await queryRows(ward.url, `DROP DATABASE IF EXISTS ${ward.name}_made WITH (FORCE)`)),
      );
      await ward.done('up --create-database', { url });
    },
  },
  LS405: {
    fault: async (ward) => {
      await ward.put(FIRST);
      return ward.run('wait --timeout 1ms');
    },
    heal: async (ward) => {
      await ward.printed('LS405', 'lockstep status');
      await ward.done('up');
    },
    again: 'wait --timeout 10s',
  },
  LS501: {
    fault: async (ward) => {
      await applied(ward);
      await ward.put({
        '0001_accounts.sql': ACCOUNTS.replace('text', 'varchar'),
        '0003_c.sql': 'SELECT 1;\n',
      });
      return ward.run('up');
    },
    heal: async (ward) => {
      expect((await ward.run('repair')).stdout).toContain('varchar');
      await ward.printed('LS501', 'lockstep repair --accept REV', { REV: '1' });
    },
  },
  LS502: {
    fault: async (ward) => {
      await ward.put({ ...FIRST, '0003_audit.sql': 'CREATE TABLE audit ();\n' });
      await ward.done('up');
      await ward.put(SECOND);
      return ward.run('up');
    },
    heal: (ward) => ward.printed('LS502', 'lockstep up --out-of-order allow'),
  },
  LS503: {
    fault: async (ward) => {
      await ward.put({ ...FIRST, ...SECOND, '0003_audit.sql': 'CREATE TABLE audit ();\n' });
      await ward.done('up');
      await ward.remove('0002_notes.sql');
      await ward.remove('0002_notes.down.sql');
      return ward.run('up');
    },
    heal: (ward) => ward.put(SECOND),
  },
  LS504: {
    fault: async (ward) => {
      await applied(ward);
      return ward.run('down --run nobody');
    },
    heal: async (ward) => {
      const { stdout } = (await ward.printed('LS504', 'lockstep history'))!;
      const [run = ''] = await runIds(ward);
      expect(stdout).toContain(run);
      await ward.done(`down --run ${run}`);
    },
  },
  LS506: {
    fault: async (ward) => {
      await applied(ward);
      return ward.run('baseline 2');
    },
    heal: (ward) => ward.printed('LS506', 'lockstep plan'),
  },
  LS508: {
    fault: async (ward) => {
      await applied(ward);
      await ward.sql('INSERT INTO accounts VALUES (1, $$a$$), (2, $$a$$)');
      await ward.sql('CREATE UNIQUE INDEX CONCURRENTLY names ON accounts (name)').catch(() => undefined);
      return ward.run('verify');
    },
    heal: async (ward, { stdout }) => {
      const [, index = ''] = /`REINDEX INDEX CONCURRENTLY (\S+)`, or drop it/.exec(stdout) ?? [];
      await ward.put({ '0003_drop_names.sql': `DROP INDEX CONCURRENTLY ${index};\n` });
      await ward.done('up');
    },
    again: 'verify',
  },
  LS510: {
    fault: async (ward) => {
      await applied(ward);
      await ward.done('instances add orders-v1 --head 2');
      await ward.put(CONTRACT);
      return ward.run('up');
    },
    heal: async (ward, { stderr }) => {
      expect(stderr).toContain('orders-v1');
      await ward.printed('LS510', 'lockstep instances list');
      await ward.printed('LS510', 'lockstep instances remove NAME', { NAME: 'orders-v1' });
    },
  },
  LS511: {
    fault: async (ward) => {
      await ward.put({ ...FIRST, ...SECOND, ...CONTRACT });
      return ward.run('up --phase contract');
    },
    heal: (ward) => ward.printed('LS511', 'lockstep up --phase expand'),
    again: 'up --phase contract',
  },
  LS512: {
    fault: async (ward) => {
      await ward.put(FIRST);
      await ward.done('up');
      await ward.put(SECOND);
      await ward.done('up');
      return ward.run(`down --run ${(await runIds(ward)).at(-1)}`);
    },
    heal: async (ward, { stderr }) => {
      expect(stderr).toContain('0002_notes');
      for (const run of await runIds(ward)) await ward.done(`down --run ${run}`);
    },
  },
} as const satisfies Partial<Record<ErrorCode, Walk>>;

test.each(Object.entries(WALKS))('%s', (code, way) => walk(code as ErrorCode, way));

test('LS401, by ending who has the lease where it runs', async () => {
  const stopping = new AbortController();
  let slow: Promise<unknown> | undefined;
  await walk('LS401', {
    fault: async (ward) => {
      await applied(ward);
      await ward.put({ '0003_slow.sql': 'SELECT pg_sleep(600);\n' });
      slow = ward.run('up', { signal: stopping.signal });
      const asleep = `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'`;
      while ((await ward.sql(asleep)).length === 0) await sleep(20);
      return ward.run('up --wait-timeout 100ms');
    },
    heal: async (ward, { stderr }) => {
      expect(stderr).toMatch(/^Error LS401: .* holds it/m);
      expect((await ward.done('lock status')).stdout).toMatch(/held by/);
      stopping.abort();
      await slow;
      await ward.put({ '0003_slow.sql': 'SELECT 1;\n' });
    },
  });
});

test('LS306, with the grant that the error names', async () => {
  const role = `migrator_${randomUUID().slice(0, 8)}`;
  let url = '';
  await walk('LS306', {
    fault: async (ward) => {
      await ward.put(FIRST);
      await ward.sql(`CREATE ROLE ${role} LOGIN PASSWORD 'word'; GRANT CREATE ON SCHEMA public TO ${role}`);
      onTestFinished(async () => {
        await ward.sql(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
      });
      url = other(ward.url, (to) => {
        [to.username, to.password] = [role, 'word'];
      });
      return ward.run('up', { url });
    },
    heal: async (ward, { stderr }) => {
      const [grant = ''] = /GRANT [^;.`]+/.exec(stderr) ?? [];
      await ward.sql(grant);
      await ward.done('up', { url });
    },
  });
});
