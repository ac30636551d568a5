/** `rehearse` applies what is pending to a copy, measures it, and says whether that is within the limits given. */
import { LockstepError } from '../core/errors/index.ts';
import type { MigrationSource, RunPhase } from '../core/plan/index.ts';
import {
  type Budget,
  excessesOf,
  excessInWords,
  type Rehearsal,
  type RehearsalDocument,
  slowestOf,
} from '../core/rehearsal/index.ts';
import { type RehearseResult, rehearse as rehearseOn } from '../engine/rehearsal/index.ts';
import type { DatabaseConfig } from '../engine/types.ts';
import type * as Copies from '../local/base-backup-copy.ts';
import { newHolder, openSource, readDuration, readTarget } from '../settings/index.ts';
import type { CommandContext, CommandResult, TargetContext } from './frame/context.ts';
import { loadLocal } from './frame/load-local.ts';
import { rehearsalLines } from './frame/rehearsal-lines.ts';
import { targetContext } from './frame/target-context.ts';
import { writeOut } from './frame/write-file.ts';

interface RehearseOptions {
  readonly on?: string;
  readonly maxDuration?: string;
  readonly maxBlocked?: string;
  readonly out?: string;
  readonly phase?: RunPhase;
}

export async function rehearse(context: CommandContext<RehearseOptions>): Promise<CommandResult> {
  const { options, env, terminal } = context;
  const problems: string[] = [];
  const url = options.on ?? (env.LOCKSTEP_REHEARSE_ON || undefined);
  const given = url === undefined ? undefined : readTarget({ databaseUrl: url }, env, problems)?.database;
  const budget = readBudget(options, problems);
  const target = targetContext(context, problems);
  const source = await openSource(options);
  const at = new Date().toISOString();
  const run = (copy: DatabaseConfig) => {
    terminal.err.line(`On a copy, at ${copy.host}:${copy.port}:`);
    return rehearseOn(asked(target, source, options.phase, copy));
  };
  const result = given ? await run(given) : await onBaseBackup(target, run);
  const rehearsal = rehearsalOf(result, {
    target: target.target,
    at,
    bundleDigest: source.digest,
    copy: given ? 'given' : 'base-backup',
    budget,
  });
  const document: RehearsalDocument = { rehearsal, slowest: slowestOf(rehearsal.steps) };
  if (options.out !== undefined) await writeOut(options.out, `${JSON.stringify(document, undefined, 2)}\n`);
  return {
    text: rehearsalLines(rehearsal).join('\n'),
    json: document,
    error: result.error ? failed(target.target, result.error) : overBudget(rehearsal),
  };
}

const asked = (
  target: TargetContext,
  source: MigrationSource,
  phase: RunPhase | undefined,
  database: DatabaseConfig,
) => ({ ...target, original: target.database, database, source, phase, holder: newHolder() });

async function onBaseBackup<Result>(
  { database, signal }: TargetContext,
  work: (copy: DatabaseConfig) => Promise<Result>,
): Promise<Result> {
  const { withBaseBackup } = await loadLocal<typeof Copies>(
    '../../local/base-backup-copy.ts',
    'A copy is made by Lockstep itself in a checkout of its sources only: elsewhere it is given with --on.',
  );
  return withBaseBackup({ database, signal }, work);
}

function readBudget({ maxDuration, maxBlocked }: RehearseOptions, problems: string[]): Budget {
  const limit = (text: string | undefined, name: string): number | null =>
    text === undefined ? null : readDuration(text, { name, defaultMs: 0, leastMs: 1 }, problems);
  return {
    maxDurationMs: limit(maxDuration, '--max-duration'),
    maxBlockedMs: limit(maxBlocked, '--max-blocked'),
  };
}

type About = Pick<Rehearsal, 'target' | 'at' | 'bundleDigest' | 'copy' | 'budget'>;

function rehearsalOf(result: RehearseResult, about: About): Rehearsal {
  const { ledgerHead, databaseBytes, steps, error } = result;
  const durationMs = steps.reduce((sum, step) => sum + step.durationMs, 0);
  const excesses = excessesOf(steps, durationMs, about.budget);
  const verdict = excesses.length > 0 ? 'over-budget' : 'within-budget';
  return {
    layout: 1,
    ...about,
    ledgerHead,
    databaseBytes,
    verdict: error ? 'failed' : verdict,
    excesses,
    durationMs,
    steps: [...steps],
    error: error ? { code: error.code, what: error.what } : null,
  };
}

const UNTOUCHED = 'The database was only read; what was changed is the copy.';

/** As it would fail, but for what is true of the database. */
const failed = (target: string, error: LockstepError): LockstepError =>
  new LockstepError('LS742', {
    what: `What is pending for ${target} fails on a copy: ${error.what}`,
    state: UNTOUCHED,
    remedy: error.remedy,
    position: error.position,
    context: { ...error.context, code: error.code },
    cause: error,
  });

function overBudget({ target, excesses, verdict }: Rehearsal): LockstepError | undefined {
  const [first] = excesses;
  if (verdict !== 'over-budget' || !first) return undefined;
  const more = excesses.length > 1 ? ` (and ${excesses.length - 1} more)` : '';
  return new LockstepError('LS743', {
    what: `What is pending for ${target} is over its budget: ${excessInWords(first)}${more}.`,
    state: UNTOUCHED,
    remedy:
      'Change the migrations so that they lock and rewrite less (docs/rehearsal.md), or allow more with --max-blocked and --max-duration.',
    context: { excesses: excesses.length },
  });
}
