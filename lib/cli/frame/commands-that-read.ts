/** Commands that show what is, or would be, and those that look after the ledger. */
import { type Command as Grammar, Option } from 'commander';
import type { AddCommand } from './add-command.ts';
import { eachRevision } from './revision-argument.ts';
import { outOfOrder, runPhase } from './shared-options.ts';

export function addReading(program: Grammar, add: AddCommand): void {
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
    takes: (command) =>
      command
        .addOption(runPhase())
        .addOption(outOfOrder())
        .option('--sql', 'print the messages that would be sent')
        .addOption(
          new Option('--rehearsal <file>', 'show what `rehearse --out` has measured, too').conflicts('sql'),
        ),
  });
  add(program, 'status', {
    summary: 'what ran, who holds the lock, what to do next',
    examples: ['status', 'status --json'],
    load: async () => (await import('../status.ts')).status,
    takes: (command) => command.addOption(outOfOrder()),
  });
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

export function addRehearsal(program: Grammar, add: AddCommand): void {
  add(program, 'rehearse', {
    summary: 'apply what is pending to a copy, and measure it',
    examples: [
      'rehearse',
      'rehearse --on postgres://orders@clone.example.com/orders --out rehearsal.json',
      'rehearse --max-blocked 2s --max-duration 30m && lockstep up',
    ],
    load: async () => (await import('../rehearse.ts')).rehearse,
    takes: (command) =>
      command
        .option(
          '--on <url>',
          'the copy, which is changed by that (default: a base backup, made and removed here)',
        )
        .option('--max-duration <duration>', 'longest time for all of it (default: no limit)')
        .option('--max-blocked <duration>', 'longest wait of a reader or writer (default: no limit)')
        .option('--out <file>', 'where to write the result, for `plan --rehearsal`')
        .addOption(runPhase())
        .addOption(outOfOrder()),
  });
}

export /** Of the ledger, and of what it says about the database. */
function addCare(program: Grammar, add: AddCommand): void {
  add(program, 'repair', {
    summary: 'bring the ledger up to files that were edited since',
    examples: ['repair', 'repair --accept 0042'],
    load: async () => (await import('../repair.ts')).repair,
    takes: (command) =>
      command.option(
        '--accept <revision>',
        'record this one although more than layout or comments was edited (repeatable)',
        eachRevision,
      ),
  });
  add(program, 'verify', {
    summary: 'compare the ledger with what is in the database',
    examples: ['verify', 'verify --json'],
    load: async () => (await import('../verify.ts')).verify,
  });
}
