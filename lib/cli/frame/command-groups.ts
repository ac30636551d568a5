/** Commands that are a group of several: runs, restore, backfill, instances, lock. */
import type { Command as Grammar } from 'commander';
import type { AddCommand } from './add-command.ts';
import { revision } from './revision-argument.ts';

export function addGroups(program: Grammar, add: AddCommand): void {
  addRuns(program, add);
  addRestore(program, add);
  addBackfill(program, add);
  addInstances(program, add);
  addLock(program, add);
}

const RUN = 'its id, as `runs` shows it';

function addRuns(program: Grammar, add: AddCommand): void {
  add(program, 'runs', {
    summary: 'every run, the newest first; `runs show`: one of them',
    examples: ['runs', 'runs --json', 'runs show release-12'],
    load: async () => (await import('../runs.ts')).runsList,
    takes: (runs) => {
      add(runs, 'show', {
        summary: 'what one of them did, and when',
        examples: ['runs show release-12', 'runs show release-12 --json'],
        load: async () => (await import('../runs.ts')).runsShow,
        takes: (command) => command.argument('<run>', RUN),
      });
      add(runs, 'report', {
        summary: 'the same as an HTML page, with statements and hazards',
        examples: ['runs report release-12', 'runs report release-12 --out release-12.html'],
        load: async () => (await import('../runs-report.ts')).runsReport,
        takes: (command) =>
          command.argument('<run>', RUN).option('--out <file>', 'where to write it', 'run.html'),
      });
    },
  });
}

function addRestore(program: Grammar, add: AddCommand): void {
  add(program, 'restore', {
    summary: 'the way back to the data as it was',
    takes: (restore) => {
      add(restore, 'plan', {
        summary: 'how to bring a restore point back, and what that would lose',
        examples: ['restore plan release-12', 'restore plan release-12 --json'],
        load: async () => (await import('../restore.ts')).restorePlan,
        takes: (command) => command.argument('<run>', RUN),
      });
    },
  });
}

function addBackfill(program: Grammar, add: AddCommand): void {
  add(program, 'backfill', {
    summary: 'watch, pause or resume back-fills',
    takes: (backfill) => {
      add(backfill, 'status', {
        summary: 'how far back-fills are that are under way',
        examples: ['backfill status', 'backfill status --json'],
        load: async () => (await import('../backfill.ts')).backfillStatus,
      });
      add(backfill, 'pause', {
        summary: 'let them wait after their current batch',
        examples: ['backfill pause', 'backfill pause 0042'],
        load: async () => (await import('../backfill.ts')).backfillPause,
        takes: (command) => command.argument('[revision]', 'only this one', revision),
      });
      add(backfill, 'resume', {
        summary: 'let them go on',
        examples: ['backfill resume', 'backfill resume 0042'],
        load: async () => (await import('../backfill.ts')).backfillResume,
        takes: (command) => command.argument('[revision]', 'only this one', revision),
      });
    },
  });
}

function addInstances(program: Grammar, add: AddCommand): void {
  add(program, 'instances', {
    summary: 'instances of the app that contract waits for',
    takes: (instances) => {
      add(instances, 'list', {
        summary: 'those that passed the gate, or were added',
        examples: ['instances list', 'instances list --json'],
        load: async () => (await import('../instances.ts')).instancesList,
      });
      add(instances, 'add', {
        summary: 'record one that does not do so itself',
        examples: ['instances add blue --head 0041', 'instances add green'],
        load: async () => (await import('../instances.ts')).instancesAdd,
        takes: (command) =>
          command
            .argument('<name>', 'what you call it; one of this name is replaced')
            .option(
              '--head <revision>',
              'the highest revision it was built with (default: of the files)',
              revision,
            ),
      });
      add(instances, 'remove', {
        summary: 'it is gone',
        examples: ['instances remove blue'],
        load: async () => (await import('../instances.ts')).instancesRemove,
        takes: (command) => command.argument('<name>', 'as `instances list` shows it'),
      });
    },
  });
}

function addLock(program: Grammar, add: AddCommand): void {
  add(program, 'lock', {
    summary: 'show or free lease and advisory lock',
    takes: (lock) => {
      add(lock, 'status', {
        summary: 'who holds the lease and the advisory lock',
        examples: ['lock status'],
        load: async () => (await import('../lock-status.ts')).lockStatus,
      });
      add(lock, 'release', {
        summary: 'free both whoever holds them',
        examples: ['lock release --force'],
        load: async () => (await import('../lock-release.ts')).lockRelease,
        takes: (command) =>
          command.requiredOption('--force', 'needed, because a holder that still works is cut off'),
      });
    },
  });
}
