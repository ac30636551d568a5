/** Every command with its arguments and examples, but for the groups; lib/cli has one file for each. */
import { type Command as Grammar, InvalidArgumentError, Option } from 'commander';
import type { Phase } from '../../core/plan/catalog.ts';
import { OUT_OF_ORDER_POLICIES } from '../../core/plan/out-of-order.ts';
import { RUN_PHASES } from '../../core/plan/phase.ts';
import { SIGNING_ALGORITHMS } from '../../core/published/algorithms.ts';
import { type Add, addGroups } from './command-groups.ts';
import type { GlobalOptions, LoadCommand } from './context.ts';
import { revision } from './revision-argument.ts';
import { SCENARIO_LIST, scenarios } from './scenario-argument.ts';

export type Choose = (options: GlobalOptions, load: LoadCommand) => void;

export function addCommands(program: Grammar, choose: Choose): void {
  const add: Add = (parent, name, { summary, examples, load }) =>
    parent
      .command(name)
      .description(summary)
      .addHelpText('after', ['\nExamples:', ...examples.map((e) => `  $ lockstep ${e}`)].join('\n'))
      .action((...given) => choose(optionsOf(given.at(-1) as Grammar), load));
  addWriting(program, add);
  addRunning(program, add);
  addExec(program, add);
  addReading(program, add);
  addRehearsal(program, add);
  addCare(program, add);
  add(program, 'doctor', {
    summary: 'look at everything, and name the one next step',
    examples: ['doctor', 'doctor --json', 'doctor --lease dynamodb://lockstep-leases --target orders'],
    load: async () => (await import('../doctor.ts')).doctor,
  }).addOption(outOfOrder());
  addGroups(program, add);
  add(program, 'dev', {
    summary: 'roll out on local servers, to see it work',
    examples: [
      'dev',
      'dev --migrations ./migrations',
      'dev --scenario failed-migration',
      'dev --scenario all',
    ],
    load: async () => (await import('../dev.ts')).dev,
  })
    .option('--scenario <name>', 'play one way in which a run can go, or all; see below', scenarios)
    .addHelpText('after', SCENARIO_LIST);
}

function addWriting(program: Grammar, add: Add): void {
  const phases: Phase[] = ['expand', 'backfill', 'contract'];
  add(program, 'new', {
    summary: 'write an empty migration and its down file',
    examples: ['new add_email', 'new drop_old_email --phase contract', 'new active_users --repeatable'],
    load: async () => (await import('../new.ts')).newMigration,
  })
    .argument('<slug>', 'what it does, in a few words')
    .addOption(new Option('--phase <phase>', 'its part in a roll-out').choices(phases).default('expand'))
    .addOption(new Option('--repeatable', 'a view, function or grants, as R_<slug>.sql').conflicts('phase'));
  add(program, 'bundle', {
    summary: 'compile the migrations into one file, or publish that in S3',
    examples: [
      'bundle',
      'bundle --migrations db --out dist/bundle.json',
      'bundle --to s3://releases/orders/ --json > run.json',
      'bundle --to s3://releases/orders/ --signing-key alias/releases --json > run.json',
    ],
    load: async () => (await import('../bundle.ts')).bundle,
  })
    .option('--out <file>', 'where to write it (default: bundle.json, unless --to is given)')
    .option('--to <url>', 's3://BUCKET/FOLDER/, named after its content, or s3://BUCKET/KEY')
    .option('--signing-key <key>', 'of --to: asymmetric KMS key that signs it (ARN, id or alias)')
    .addOption(
      new Option('--signing-algorithm <algorithm>', "the key's (default: ECDSA_SHA_256)").choices(
        SIGNING_ALGORITHMS,
      ),
    );
}

function addRunning(program: Grammar, add: Add): void {
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
  })
    .option('--to <revision>', 'apply up to and including this one', revision)
    .addOption(runPhase())
    .option('--force-contract', 'contract also what live instances of the app may need')
    .addOption(lockWait())
    .option('--dry-run', 'try it all in one transaction and roll back; its locks are really held meanwhile')
    .addOption(outOfOrder())
    .addOption(
      new Option(
        '--create-database',
        'make the database first, if the server has none of this name',
      ).conflicts('dryRun'),
    );
  add(program, 'down', {
    summary: 'revert with the down scripts in the ledger',
    examples: ['down -1', 'down --to 0041', 'down --to 0', 'down --run release-12'],
    load: async () => (await import('../down.ts')).down,
  })
    .usage('(-N | --to <revision> | --run <id>) [options]')
    .argument('[count]', 'how many, from the newest on, with a minus: -1, -2', revertCount)
    .option('--to <revision>', 'revert everything above this one; 0 reverts all', revision)
    .addOption(lockWait())
    .option('--run <id>', 'revert just what this run applied; `history` shows runs');
  add(program, 'stamp', {
    summary: 'record as applied without running',
    examples: ['stamp 0001', 'stamp 0001 0002 0003'],
    load: async () => (await import('../stamp.ts')).stamp,
  }).argument('<revisions...>', 'revisions whose effect is in the database already', eachRevision);
  add(program, 'baseline', {
    summary: 'begin the ledger of a database that was there before',
    examples: ['baseline 0042', 'baseline 0042 --bundle bundle.json'],
    load: async () => (await import('../baseline.ts')).baseline,
  }).argument('<revision>', 'record everything up to this one as there already', revision);
  add(program, 'wait', {
    summary: 'wait until everything but contract is applied',
    examples: ['wait && node server.js', 'wait --timeout 5m --bundle bundle.json', 'wait --all'],
    load: async () => (await import('../wait.ts')).wait,
  })
    .option('--timeout <duration>', 'how long (default: 10m)')
    .option('--all', 'for contract migrations, too')
    .addOption(outOfOrder());
}

function addExec(program: Grammar, add: Add): void {
  add(program, 'exec', {
    summary: 'run another migrator under the lease and the lock',
    examples: [
      'exec -- alembic upgrade head',
      'exec --timeout 20m -- bin/rails db:migrate',
      'exec --json -- npx prisma migrate deploy',
    ],
    load: async () => (await import('../exec.ts')).exec,
  })
    .usage('[options] -- <command> [arguments]')
    .argument('<command...>', 'the program and its arguments, behind --')
    .option('--timeout <duration>', 'longest time for the command (default: no limit)');
}

const runPhase = (): Option =>
  new Option('--phase <phase>', 'only expand (with back-fills), or only contract').choices(RUN_PHASES);

const lockWait = (): Option =>
  new Option('--lock-wait <duration>', 'longest wait of a step for its locks (default: 60s)');

function addReading(program: Grammar, add: Add): void {
  add(program, 'plan', {
    summary: 'show what `up` would apply, and its hazards',
    examples: [
      'plan',
      'plan --phase contract',
      'plan --json',
      'plan --sql',
      'plan --rehearsal rehearsal.json',
    ],
    load: async () => (await import('../plan.ts')).plan,
  })
    .addOption(runPhase())
    .addOption(outOfOrder())
    .option('--sql', 'print the messages that would be sent')
    .addOption(
      new Option('--rehearsal <file>', 'show what `rehearse --out` has measured, too').conflicts('sql'),
    );
  add(program, 'status', {
    summary: 'what ran, who holds the lock, what to do next',
    examples: ['status', 'status --json'],
    load: async () => (await import('../status.ts')).status,
  }).addOption(outOfOrder());
  add(program, 'history', {
    summary: 'show every entry of the ledger',
    examples: ['history', 'history --json'],
    load: async () => (await import('../history.ts')).history,
  });
  add(program, 'current', {
    summary: 'print the newest migration that is applied',
    examples: ['current'],
    load: async () => (await import('../current.ts')).current,
  });
}

function addRehearsal(program: Grammar, add: Add): void {
  add(program, 'rehearse', {
    summary: 'apply what is pending to a copy, and measure it',
    examples: [
      'rehearse',
      'rehearse --on postgres://orders@clone.example.com/orders --out rehearsal.json',
      'rehearse --max-blocked 2s --max-duration 30m && lockstep up',
    ],
    load: async () => (await import('../rehearse.ts')).rehearse,
  })
    .option(
      '--on <url>',
      'the copy, which is changed by that (default: a base backup, made and removed here)',
    )
    .option('--max-duration <duration>', 'longest time for all of it (default: no limit)')
    .option('--max-blocked <duration>', 'longest wait of a reader or writer (default: no limit)')
    .option('--out <file>', 'where to write the result, for `plan --rehearsal`')
    .addOption(runPhase())
    .addOption(outOfOrder());
}

/** Of the ledger, and of what it says about the database. */
function addCare(program: Grammar, add: Add): void {
  add(program, 'repair', {
    summary: 'bring the ledger up to files that were edited since',
    examples: ['repair', 'repair --accept 0042'],
    load: async () => (await import('../repair.ts')).repair,
  }).option(
    '--accept <revision>',
    'record this one although more than layout or comments was edited (repeatable)',
    eachRevision,
  );
  add(program, 'verify', {
    summary: 'compare the ledger with what is in the database',
    examples: ['verify', 'verify --json'],
    load: async () => (await import('../verify.ts')).verify,
  });
}

/** Options and, under their names, arguments. */
function optionsOf(command: Grammar): GlobalOptions {
  const names = command.registeredArguments.map((argument) => argument.name());
  const given = names.map((name, i) => [name, command.processedArgs[i]]);
  return { ...command.optsWithGlobals(), ...Object.fromEntries(given) };
}

const outOfOrder = (): Option =>
  new Option('--out-of-order <policy>', 'revisions below the highest applied one (default: refuse)').choices(
    OUT_OF_ORDER_POLICIES,
  );

const eachRevision = (text: string, before: readonly string[] = []): string[] => [...before, revision(text)];

function revertCount(text: string): number {
  if (!/^-[1-9]\d{0,8}$/.test(text))
    throw new InvalidArgumentError('Write -1 for the newest one, -2 for two.');
  return -Number(text);
}
