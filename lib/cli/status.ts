import { asLockstepError } from '../core/errors/index.ts';
import {
  compareRevisions,
  isApplied,
  migrationName,
  type PartialRevision,
  type Plan,
  pendingNames,
  refusal,
} from '../core/plan/index.ts';
import { type DatabaseStatus, type RunRecord, readPlan, readStatus } from '../engine/index.ts';
import { openLeases, openSource } from '../settings/index.ts';
import type { CommandContext, CommandResult, TargetContext } from './frame/context.ts';
import { count, countNames, some, table } from './frame/format.ts';
import {
  heldBy,
  heldLockLine,
  leaseLine,
  lockLine,
  progressLine,
  standoffLines,
} from './frame/lock-lines.ts';
import { targetContext, titleOf } from './frame/target-context.ts';

/** The plan, or why there is none: whoever is on call may have no checkout at hand, and still wants the rest. */
type Planned = { readonly plan: Plan } | { readonly unknown: string };

export async function status(context: CommandContext): Promise<CommandResult> {
  const target = targetContext(context);
  const found = await readStatus({ ...target, leases: await openLeases(target.lease) });
  const planned = await tryPlan(target, context);
  const next = whatNext(found, planned);
  const { paint } = context.terminal.out;
  const rows = [...facts(found, planned), ['Next', next]].map(([name = '', ...rest]) => [
    paint('bold', name),
    ...rest,
  ]);
  return {
    text: [paint('bold', titleOf(target)), '', ...table(rows)].join('\n'),
    json: document(target.target, found, planned, next),
  };
}

async function tryPlan(target: TargetContext, { options }: CommandContext): Promise<Planned> {
  try {
    return { plan: (await readPlan({ ...target, source: await openSource(options) })).plan };
  } catch (error) {
    return { unknown: asLockstepError(error).what };
  }
}

function facts(
  { ledger, lease, lock, progress, standoff, lastRun }: DatabaseStatus,
  planned: Planned,
): string[][] {
  const applied = appliedNames(ledger.current);
  return [
    [
      'Applied',
      applied.length === 0
        ? 'nothing'
        : `${count(applied.length, 'migration')}, the newest is ${applied.at(-1)}`,
    ],
    ['Pending', pendingLine(planned)],
    ...ledger.partial.map((p) => ['Unfinished', partialLine(p)]),
    ['Lease', leaseLine(lease)],
    ['Lock', lockLine(lock)],
    ...(progress ? [['Progress', progressLine(progress)]] : []),
    ...standoffLines(standoff),
    ['Last run', lastRun ? runLine(lastRun) : 'none'],
    ...(lastRun?.error ? [['', lastRun.error]] : []),
    ...longestLocks(lastRun),
  ];
}

const appliedNames = (current: DatabaseStatus['ledger']['current']): string[] =>
  current
    .filter(isApplied)
    .toSorted((a, b) => compareRevisions(a.revision, b.revision))
    .map(migrationName);

function pendingLine(planned: Planned): string {
  if ('unknown' in planned) return `unknown: ${planned.unknown}`;
  const { ahead, problems } = planned.plan;
  const pending = pendingNames(planned.plan);
  const refused = problems.length > 0 ? '; refused, see Next' : '';
  if (pending.length > 0) return `${countNames(pending)}: ${some(pending)}${refused}`;
  return ahead.length > 0
    ? `none; the database is ahead by ${some(ahead.map(migrationName))}`
    : `none${refused}`;
}

function partialLine({ migration, direction, stepsDone, stepStarted }: PartialRevision): string {
  const started = stepStarted === null ? '' : `, step ${stepStarted + 1} began and its end is not recorded`;
  return `${migration} (${direction}): ${count(stepsDone.length, 'step')} done${started}`;
}

function runLine(run: RunRecord): string {
  const { verdict, startedAt, finishedAt, applied, holder, restorePoint, forced } = run;
  const ended = finishedAt === null ? 'not ended' : `ended ${finishedAt}`;
  const did = run.command
    ? `ran ${run.command}`
    : applied.length === 0
      ? 'applied nothing'
      : `applied ${some(applied)}`;
  const back = restorePoint ? `; restore point ${restorePoint}` : '';
  const past = forced ? `; contracted by force past ${forced}` : '';
  return `${verdict}: began ${startedAt}, ${ended}; ${did}; by ${holder}${back}${past}`;
}

/** Those of the last run, from the longest on. */
const LOCKS_SHOWN = 3;

function longestLocks(run: RunRecord | null): string[][] {
  const longest = (run?.locks ?? []).toSorted((a, b) => b.heldMs - a.heldMs).slice(0, LOCKS_SHOWN);
  return longest.map((lock) => ['', `${lock.migration} held ${heldLockLine(lock)}`]);
}

function whatNext(found: DatabaseStatus, planned: Planned): string {
  const holder = heldBy(found);
  if (holder !== undefined) {
    return `wait for ${holder}; \`lockstep wait\` returns when everything is applied. If it is gone for good: \`lockstep lock release --force\`.`;
  }
  if ('unknown' in planned) return 'run this with --migrations or --bundle to learn what is pending.';
  const refused = refusal(planned.plan);
  if (refused) return `${refused.what} ${refused.remedy}`;
  const { halfAhead } = planned.plan;
  if (halfAhead.length > 0)
    return `\`lockstep up\` with the migrations that have ${some(halfAhead.map(migrationName))} finishes it.`;
  if (found.ledger.partial.length > 0) return '`lockstep up` goes on where the last run ended.';
  if (planned.plan.outcome !== 'pending') return 'nothing is to be done.';
  return found.lastRun?.verdict === 'failed'
    ? 'correct what the last run failed at, then `lockstep up`.'
    : '`lockstep up` applies what is pending.';
}

function document(
  target: string,
  found: DatabaseStatus,
  planned: Planned,
  next: string,
): Record<string, unknown> {
  const plan = 'plan' in planned ? planned.plan : null;
  return {
    target,
    applied: appliedNames(found.ledger.current),
    outcome: plan?.outcome ?? 'unknown',
    pending: plan ? pendingNames(plan) : null,
    ahead: plan?.ahead.map(migrationName) ?? null,
    problems: plan?.problems ?? null,
    unfinished: found.ledger.partial,
    lease: found.lease ?? null,
    lock: found.lock,
    progress: found.progress,
    standoff: found.standoff,
    lastRun: found.lastRun,
    next,
  };
}
