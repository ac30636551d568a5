/** Commands that are a group of several: runs, restore, backfill, instances, lock. */
import type { Command as Grammar } from 'commander';
import type { LoadCommand } from './context.ts';
import { revision } from './revision-argument.ts';

export type Add = (parent: Grammar, name: string, entry: Entry) => Grammar;
interface Entry {
  readonly summary: string;
  readonly examples: readonly string[];
  readonly load: LoadCommand;
}

export function addGroups(program: Grammar, add: Add): void {
  addRuns(program, add);
  addRestore(program, add);
  addBackfill(program, add);
  addInstances(program, add);
  addLock(program, add);
}

const RUN = 'its id, as `runs` shows it';

function addRuns(program: Grammar, add: Add): void {
  const runs = add(program, 'runs', {
    summary: 'every run, the newest first; `runs show`: one of them',
    examples: ['runs', 'runs --json', 'runs show release-12'],
    load: async () => (await import('../runs.ts')).runsList,
  });
  add(runs, 'show', {
    summary: 'what one of them did, and when',
    examples: ['runs show release-12', 'runs show release-12 --json'],
    load: async () => (await import('../runs.ts')).runsShow,
  }).argument('<run>', RUN);
  add(runs, 'report', {
    summary: 'the same as an HTML page, with statements and hazards',
    examples: ['runs report release-12', 'runs report release-12 --out release-12.html'],
    load: async () => (await import('../runs-report.ts')).runsReport,
  })
    .argument('<run>', RUN)
    .option('--out <file>', 'where to write it', 'run.html');
}

function addRestore(program: Grammar, add: Add): void {
  const restore = program.command('restore').description('the way back to the data as it was');
  add(restore, 'plan', {
    summary: 'how to bring a restore point back, and what that would lose',
    examples: ['restore plan release-12', 'restore plan release-12 --json'],
    load: async () => (await import('../restore.ts')).restorePlan,
  }).argument('<run>', RUN);
}

function addBackfill(program: Grammar, add: Add): void {
  const backfill = program.command('backfill').description('watch, pause or resume back-fills');
  add(backfill, 'status', {
    summary: 'how far back-fills are that are under way',
    examples: ['backfill status', 'backfill status --json'],
    load: async () => (await import('../backfill.ts')).backfillStatus,
  });
  add(backfill, 'pause', {
    summary: 'let them wait after their current batch',
    examples: ['backfill pause', 'backfill pause 0042'],
    load: async () => (await import('../backfill.ts')).backfillPause,
  }).argument('[revision]', 'only this one', revision);
  add(backfill, 'resume', {
    summary: 'let them go on',
    examples: ['backfill resume', 'backfill resume 0042'],
    load: async () => (await import('../backfill.ts')).backfillResume,
  }).argument('[revision]', 'only this one', revision);
}

function addInstances(program: Grammar, add: Add): void {
  const instances = program.command('instances').description('instances of the app that contract waits for');
  add(instances, 'list', {
    summary: 'those that passed the gate, or were added',
    examples: ['instances list', 'instances list --json'],
    load: async () => (await import('../instances.ts')).instancesList,
  });
  add(instances, 'add', {
    summary: 'record one that does not do so itself',
    examples: ['instances add blue --head 0041', 'instances add green'],
    load: async () => (await import('../instances.ts')).instancesAdd,
  })
    .argument('<name>', 'what you call it; one of this name is replaced')
    .option('--head <revision>', 'the highest revision it was built with (default: of the files)', revision);
  add(instances, 'remove', {
    summary: 'it is gone',
    examples: ['instances remove blue'],
    load: async () => (await import('../instances.ts')).instancesRemove,
  }).argument('<name>', 'as `instances list` shows it');
}

function addLock(program: Grammar, add: Add): void {
  const lock = program.command('lock').description('show or free lease and advisory lock');
  add(lock, 'status', {
    summary: 'who holds the lease and the advisory lock',
    examples: ['lock status'],
    load: async () => (await import('../lock-status.ts')).lockStatus,
  });
  add(lock, 'release', {
    summary: 'free both whoever holds them',
    examples: ['lock release --force'],
    load: async () => (await import('../lock-release.ts')).lockRelease,
  }).requiredOption('--force', 'needed, because a holder that still works is cut off');
}
