/** The commands of the manifests, as their platforms run them, with their exit codes. */
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Variables } from '../cli/command-line.ts';
import { queryRows } from '../support/postgres.ts';
import { type Place, place } from './container.ts';
import { expectEndsInOrder, HELD } from './gated-server.ts';
import { EXAMPLES, readManifest } from './manifests.ts';

const APPLIED_ONCE = { runs: 1, entries: 3 };
const NETWORK = { SUBNETS: 'subnet-0a', SECURITY_GROUP: 'sg-0c' };
const FAILING = { '0001_orders.sql': 'CREATE TABLE orders (id int); SELECT 1/0;' };

/** As a Compose file and an app spec have them: the platform puts values in the place of `${names}`. */
const withValues = (text: string, values: Variables) =>
  text.replaceAll(/\$\{([\w.]+)(?::\?)?\}/g, (_, name: string) => values[name] ?? '');

describe('Docker Compose: the service migrate', () => {
  const { command, environment } = readManifest('docker-compose/compose.yaml').services.migrate;
  const migrate = ({ run, url }: Place) => {
    const { host, username, password, pathname } = new URL(url);
    const given = withValues(environment.DATABASE_URL, { POSTGRES_PASSWORD: password });
    const DATABASE_URL = given
      .replace('//orders:', `//${username}:`)
      .replace('@db:5432/orders', `@${host}${pathname}`);
    return run(command.split(' '), { DATABASE_URL });
  };

  it('applies what is pending, and nothing when it is started again', async () => {
    const at = await place();
    expect(await migrate(at)).toMatchObject({ exitCode: 0 });
    expect(await migrate(at)).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('othing') });
    expect(await at.runs()).toEqual(APPLIED_ONCE);
  });

  it('does not complete successfully when a migration fails', async () => {
    expect(await migrate(await place(FAILING))).toMatchObject({ exitCode: 1 });
  });
});

describe('DigitalOcean: the job migrate', () => {
  const { run_command, envs } = readManifest('digitalocean/app.yaml').jobs[0];
  const migrate = ({ run, url, folder }: Place) => {
    const values = { 'db.DATABASE_URL': url, 'db.CA_CERT': 'not used without TLS' };
    const environment = envs.map(({ key, value }: Variables) => [key, withValues(value!, values)]);
    // A container has that folder for itself.
    const command = run_command.replaceAll('/tmp/', `${folder}/`);
    return run(['sh', '-c', command], Object.fromEntries(environment));
  };

  it('applies what is pending; its exit code is that of Lockstep', async () => {
    const at = await place();
    expect(await migrate(at)).toMatchObject({ exitCode: 0 });
    expect(await at.runs()).toEqual(APPLIED_ONCE);
    expect(await migrate(await place(FAILING))).toMatchObject({ exitCode: 1 });
  });
});

describe('ECS: migrate.sh', () => {
  const [{ command, environment, secrets }] = readManifest('ecs/task-definition.json').containerDefinitions;

  /** The three calls of the script: the task runs in the first one, and is seen once before it has stopped. */
  const aws = (exitCodeFile: string) => `#!/bin/sh
    case "$*" in
      *'ecs run-task --cluster orders --task-definition orders-migrate --launch-type FARGATE'*)
        ${command.join(' ')} >&2; echo $? > ${exitCodeFile}; echo arn:task ;;
      *'describe-tasks --cluster orders --tasks arn:task --query tasks[0].lastStatus'*)
        if [ -e ${exitCodeFile}.seen ]; then echo STOPPED; else touch ${exitCodeFile}.seen; echo RUNNING; fi ;;
      *'--query tasks[0].containers[0].exitCode'*) cat ${exitCodeFile} ;;
      *) exit 254 ;;
    esac`;

  async function migrate({ program, folder, run, variables }: Place) {
    await program('aws', aws(join(folder, 'code')));
    await program('sleep', '#!/bin/sh');
    await cp(join(EXAMPLES, 'ecs', 'migrate.sh'), join(folder, 'migrate.sh'));
    const named = [...environment, ...secrets].map(({ name }) => [name, variables[name]]);
    const { PGPORT, PGSSLMODE } = variables;
    const ofThisServer = { PGPORT: PGPORT!, PGSSLMODE: PGSSLMODE! };
    return run(['./migrate.sh'], { ...NETWORK, ...ofThisServer, ...Object.fromEntries(named) });
  }

  it('ends with the exit code of the container', async () => {
    const at = await place();
    expect(await migrate(at)).toMatchObject({ exitCode: 0 });
    expect(await at.runs()).toEqual(APPLIED_ONCE);
    expect(await migrate(await place(FAILING))).toMatchObject({ exitCode: 1 });
  });

  it.each([
    ['ECS does not start the task', 'echo None', 'ECS did not start the task.'],
    [
      'the image cannot be pulled',
      'case "$*" in *lastStatus*) echo STOPPED ;; *exitCode*) echo None ;; *stoppedReason*) echo no image ;; *) echo arn:task ;; esac',
      'The container did not run: no image',
    ],
    ['AWS refuses the call', 'exit 254', ''],
  ])('fails when %s', async (_, answers, said) => {
    const at = await place();
    await at.program('aws', `#!/bin/sh\n${answers}`);
    await at.program('sleep', '#!/bin/sh');
    await cp(join(EXAMPLES, 'ecs', 'migrate.sh'), join(at.folder, 'migrate.sh'));
    const { exitCode, stderr } = await at.run(['./migrate.sh'], NETWORK);
    expect(exitCode).not.toBe(0);
    expect(stderr.trim()).toBe(said);
  });
});

describe('CodeBuild: the phase build', () => {
  const { env, phases } = readManifest('codebuild/buildspec.yml');
  const [install, ...commands] = phases.build.commands;

  it('applies what is pending, with the login of the secret; its exit code is that of Lockstep', async () => {
    const named = Object.keys({ ...env['secrets-manager'], ...env.variables });
    expect(install).toBe('npm ci --omit=dev');
    const build = ({ run, variables }: Place) => {
      const { PGPORT, PGSSLMODE } = variables;
      const given = Object.fromEntries(named.map((name) => [name, variables[name]!]));
      return run(['sh', '-e', '-c', commands.join('\n')], {
        PGPORT: PGPORT!,
        PGSSLMODE: PGSSLMODE!,
        ...given,
      });
    };
    const at = await place();
    expect(await build(at)).toMatchObject({ exitCode: 0 });
    expect(await at.runs()).toEqual(APPLIED_ONCE);
    expect(await build(await place(FAILING))).toMatchObject({ exitCode: 1 });
  });
});

describe('GitHub Actions: the step that migrates', () => {
  const { run: line, env } = readManifest('github-actions/deploy.yml').jobs.migrate.steps.at(-1);

  it('applies what is pending', async () => {
    const at = await place();
    const named = Object.keys(env).map((name) => [name, at.variables[name]]);
    expect(await at.run(['bash', '-e', '-c', line], Object.fromEntries(named))).toMatchObject({
      exitCode: 0,
    });
    expect(await at.runs()).toEqual(APPLIED_ONCE);
  });
});

describe('start.sh', () => {
  it('does not start the server when the migrations fail', async () => {
    const { run, url } = await place(FAILING);
    const { exitCode, stdout } = await run(['./start.sh', 'node', 'server.js'], { DATABASE_URL: url });
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
  });

  it('passes the end on that its container is told: the statement is cancelled, and the lease free', async () => {
    const { start, url } = await place({ '0001_slow.sql': 'SELECT pg_sleep(300);' });
    const { child, ended } = start(['./start.sh', 'node', 'server.js'], { DATABASE_URL: url });
    const sleeping = `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'`;
    await expect.poll(() => queryRows(url, sleeping), { timeout: 30_000 }).toHaveLength(1);
    child.kill('SIGTERM');
    expect(await ended).toMatchObject({ exitCode: 130, stderr: expect.stringContaining('LS605') });
    expect(await queryRows(url, sleeping)).toEqual([]);
    const lock = `SELECT FROM pg_locks WHERE locktype = 'advisory'
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`;
    expect(await queryRows(url, lock)).toEqual([]);
  });
});

describe('AWS Lambda: lambda.js', () => {
  it('answers when the schema is ready, and is not made before', async () => {
    const { run, url, folder } = await place();
    const environment = { DATABASE_URL: url, AWS_LAMBDA_FUNCTION_NAME: 'orders' };
    await cp(join(EXAMPLES, 'node', 'lambda.js'), join(folder, 'lambda.js'));
    const invoke = () =>
      run(
        ['node', '-e', "import('./lambda.js').then(({ handler }) => handler()).then(console.log)"],
        environment,
      );
    expect(await run(['lockstep', 'bundle'], environment)).toMatchObject({ exitCode: 0 });
    const tooEarly = await invoke();
    expect(tooEarly).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('LS405') });
    expect(await run(['lockstep', 'up'], environment)).toMatchObject({ exitCode: 0 });
    expect(await invoke()).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('statusCode: 200') });
  });
});

describe('server.js', () => {
  it('that is told to end while it migrates cancels that, and ends', async () => {
    const at = await place(HELD);
    await cp(join(EXAMPLES, 'node', 'server.js'), join(at.folder, 'server.js'));
    await expectEndsInOrder(at, 'server.js');
  });
});
