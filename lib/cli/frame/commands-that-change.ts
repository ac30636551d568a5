/** Commands that write files, or change the database. */
import { type Command as Grammar, InvalidArgumentError, Option } from 'commander';
import type { Phase } from '../../core/plan/catalog.ts';
import { SIGNING_ALGORITHMS } from '../../core/published/algorithms.ts';
import type { AddCommand } from './add-command.ts';
import { eachRevision, revision } from './revision-argument.ts';
import { lockWait, outOfOrder, runPhase } from './shared-options.ts';

export function addWriting(program: Grammar, add: AddCommand): void {
  const phases: Phase[] = ['expand', 'backfill', 'contract'];
  add(program, 'new', {
    summary: 'write an empty migration and its down file',
    examples: ['new add_email', 'new drop_old_email --phase contract', 'new active_users --repeatable'],
    load: async () => (await import('../new.ts')).newMigration,
    takes: (command) =>
      command
        .argument('<slug>', 'what it does, in a few words')
        .addOption(new Option('--phase <phase>', 'its part in a roll-out').choices(phases).default('expand'))
        .addOption(
          new Option('--repeatable', 'a view, function or grants, as R_<slug>.sql').conflicts('phase'),
        ),
  });
  add(program, 'bundle', {
    summary: 'compile the migrations into one file, or publish that in S3',
    examples: [
      'bundle',
      'bundle --migrations db --out dist/bundle.json',
      'bundle --to s3://releases/orders/ --json > run.json',
      'bundle --to s3://releases/orders/ --signing-key alias/releases --json > run.json',
    ],
    load: async () => (await import('../bundle.ts')).bundle,
    takes: (command) =>
      command
        .option('--out <file>', 'where to write it (default: bundle.json, unless --to is given)')
        .option('--to <url>', 's3://BUCKET/FOLDER/, named after its content, or s3://BUCKET/KEY')
        .option('--signing-key <key>', 'of --to: asymmetric KMS key that signs it (ARN, id or alias)')
        .addOption(
          new Option('--signing-algorithm <algorithm>', "the key's (default: ECDSA_SHA_256)").choices(
            SIGNING_ALGORITHMS,
          ),
        ),
  });
}

export function addRunning(program: Grammar, add: AddCommand): void {
  add(program, 'up', {
    summary: 'apply what is pending',
    examples: [
      'up',
      'up --to 0042',
      'up --phase expand',
      'up --dry-run',
      'up --create-database',
      'up --bundle bundle.json --lease dynamodb://lockstep-leases',
    ],
    load: async () => (await import('../up.ts')).up,
    takes: (command) =>
      command
        .option('--to <revision>', 'apply up to and including this one', revision)
        .addOption(runPhase())
        .option('--force-contract', 'contract also what live instances of the app may need')
        .addOption(lockWait())
        .option(
          '--dry-run',
          'try it all in one transaction and roll back; its locks are really held meanwhile',
        )
        .addOption(outOfOrder())
        .addOption(
          new Option(
            '--create-database',
            'make the database first, if the server has none of this name',
          ).conflicts('dryRun'),
        ),
  });
  add(program, 'down', {
    summary: 'revert with the down scripts in the ledger',
    examples: ['down -1', 'down --to 0041', 'down --to 0', 'down --run release-12'],
    load: async () => (await import('../down.ts')).down,
    takes: (command) =>
      command
        .usage('(-N | --to <revision> | --run <id>) [options]')
        .argument('[count]', 'how many, from the newest on, with a minus: -1, -2', revertCount)
        .option('--to <revision>', 'revert everything above this one; 0 reverts all', revision)
        .addOption(lockWait())
        .option('--run <id>', 'revert just what this run applied; `history` shows runs'),
  });
  add(program, 'stamp', {
    summary: 'record as applied without running',
    examples: ['stamp 0001', 'stamp 0001 0002 0003'],
    load: async () => (await import('../stamp.ts')).stamp,
    takes: (command) =>
      command.argument('<revisions...>', 'revisions whose effect is in the database already', eachRevision),
  });
  add(program, 'baseline', {
    summary: 'begin the ledger of a database that was there before',
    examples: ['baseline 0042', 'baseline 0042 --bundle bundle.json'],
    load: async () => (await import('../baseline.ts')).baseline,
    takes: (command) =>
      command.argument('<revision>', 'record everything up to this one as there already', revision),
  });
  add(program, 'wait', {
    summary: 'wait until everything but contract is applied',
    examples: ['wait && node server.js', 'wait --timeout 5m --bundle bundle.json', 'wait --all'],
    load: async () => (await import('../wait.ts')).wait,
    takes: (command) =>
      command
        .option('--timeout <duration>', 'how long (default: 10m)')
        .option('--all', 'for contract migrations, too')
        .addOption(outOfOrder()),
  });
}

export function addExec(program: Grammar, add: AddCommand): void {
  add(program, 'exec', {
    summary: 'run another migrator under the lease and the lock',
    examples: [
      'exec -- alembic upgrade head',
      'exec --timeout 20m -- bin/rails db:migrate',
      'exec --json -- npx prisma migrate deploy',
    ],
    load: async () => (await import('../exec.ts')).exec,
    takes: (command) =>
      command
        .usage('[options] -- <command> [arguments]')
        .argument('<command...>', 'the program and its arguments, behind --')
        .option('--timeout <duration>', 'longest time for the command (default: no limit)'),
  });
}

function revertCount(text: string): number {
  if (!/^-[1-9]\d{0,8}$/.test(text))
    throw new InvalidArgumentError('Write -1 for the newest one, -2 for two.');
  return -Number(text);
}
