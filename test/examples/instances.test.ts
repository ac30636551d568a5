/** Three instances at once, through each way in: one run, all of them ready, none before the schema is. */
import { cp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { codeBlocks } from '../docs/markdown.ts';
import { queryRows } from '../support/postgres.ts';
import { place } from './container.ts';
import { expectGated, HELD } from './gated-server.ts';
import { EXAMPLES, type Manifest, readExample, readManifest } from './manifests.ts';

const INSTANCES = [1, 2, 3];
const ONE_RUN = { runs: 1, entries: 3 };
/** Each found the order that the last migration makes. */
const ALL_AFTER_THE_LAST = [1, 1, 1];
const ALL_WELL = [0, 0, 0];

/** As Alembic does it: which version is there, then the migration, then the version. */
const ALEMBIC = `import pg from 'pg';
const client = new pg.Client(process.env.DATABASE_URL);
await client.connect();
const { rows } = await client.query("SELECT to_regclass('alembic_version') IS NOT NULL AS there");
if (process.argv.slice(2).join(' ') === 'upgrade head' && !rows[0].there) {
  await client.query('CREATE TABLE orders (id int); CREATE TABLE served (orders int)');
  await client.query('SELECT pg_sleep(0.5)');
  await client.query("INSERT INTO orders VALUES (1); CREATE TABLE alembic_version AS SELECT '0001' AS version_num");
}
await client.end();
`;

/** The last `CMD` of a Dockerfile. */
const commandOf = (dockerfile: string): string[] => JSON.parse(/^CMD (.+)$/m.exec(dockerfile)?.[1] ?? '[]');
const exitCodes = (ended: readonly { exitCode: number | null }[]) => ended.map(({ exitCode }) => exitCode);

describe('three instances at once', () => {
  it('that migrate in their entrypoint', async () => {
    const { run, url, served, runs } = await place();
    const command = commandOf(readExample('entrypoint/Dockerfile'));
    const ended = await Promise.all(INSTANCES.map(() => run(command, { DATABASE_URL: url })));
    expect(exitCodes(ended)).toEqual(ALL_WELL);
    expect(await runs()).toEqual(ONE_RUN);
    expect(await served()).toEqual(ALL_AFTER_THE_LAST);
  });

  it('that wait for a job', async () => {
    const { run, variables, served, runs } = await place();
    const inPod = ({ command, env }: Manifest) =>
      run(command, Object.fromEntries(env.map(({ name }: { name: string }) => [name, variables[name]])));
    const { initContainers, containers } = readManifest('kubernetes/deployment.yaml').spec.template.spec;
    const pods = INSTANCES.map(async () => {
      const waited = await inPod(initContainers[0]);
      return waited.exitCode === 0 ? inPod(containers[0]) : waited;
    });
    const job = inPod(readManifest('kubernetes/job.yaml').spec.template.spec.containers[0]);
    expect(exitCodes([await job, ...(await Promise.all(pods))])).toEqual([0, ...ALL_WELL]);
    expect(await runs()).toEqual(ONE_RUN);
    expect(await served()).toEqual(ALL_AFTER_THE_LAST);
  });

  it('that run another migrator in their entrypoint, which takes no lock', async () => {
    const { run, url, served, program, folder } = await place();
    await writeFile(join(folder, 'alembic.js'), ALEMBIC);
    await program('alembic', '#!/bin/sh\nexec node alembic.js "$@"\n');
    await program('gunicorn', '#!/bin/sh\nexec node server.js\n');
    const command = commandOf(codeBlocks('docs/guides/any-migrator.md', 'dockerfile')[0]!);
    const ended = await Promise.all(INSTANCES.map(() => run(command, { DATABASE_URL: url })));
    expect(exitCodes(ended)).toEqual(ALL_WELL);
    const did = await queryRows<{ command: string }>(url, 'SELECT command FROM lockstep.run ORDER BY token');
    expect(did.map(({ command }) => command)).toEqual([
      'alembic (public.alembic_version: added 0001)',
      'alembic',
      'alembic',
    ]);
    expect(await served()).toEqual(ALL_AFTER_THE_LAST);
  });

  it('that call migrateOnStartup, and answer health checks meanwhile', async () => {
    const at = await place(HELD);
    await cp(join(EXAMPLES, 'node', 'server.js'), join(at.folder, 'server.js'));
    await expectGated(at, 'server.js');
    expect(await at.runs()).toEqual(ONE_RUN);
  });
});
