/**
 * Roll back: builds the verdict of a run that failed, or whose roll-out was unhealthy, after reverting what the run had
 * applied, if that is the policy. The schema is touched only while this execution holds the lease; the ledger says what
 * is to be reverted, and what stays if that fails. A revert that fails is reported in the verdict, never thrown: so the
 * lease is released and "roll back" is signalled in any case.
 */
import {
  failedVerdict,
  type Reversion,
  runErrorOf,
  type SentBack,
  sentBackVerdict,
  type Verdict,
} from '../lib/core/rollout/index.ts';
import {
  rollBackInputSchema,
  rollBackOutputSchema,
  type UnhealthyRollOut,
} from '../lib/core/workflow/index.ts';
import { AFTERMATH_SETTINGS, type Aftermath, openAftermath } from './_runtime/aftermath.ts';
import { handlerFor } from './_runtime/handler.ts';
import type { Outcome } from './_runtime/outcome.ts';
import { readSettings } from './_runtime/settings.ts';

export const handler = handlerFor({
  name: 'roll-back',
  input: rollBackInputSchema,
  output: rollBackOutputSchema,
  runId: ({ run }) => run.id,
  async run(input, invocation) {
    const settings = readSettings([...AFTERMATH_SETTINGS, 'rollBackPolicy']);
    const { run: by } = input;
    const of = 'followed' in input ? input.followed : by;
    const aftermath = await openAftermath({ by, of, bundle: input.request.bundle }, settings, invocation);
    if ('followed' in input) return afterRollOut(input, aftermath);

    const found = await aftermath.look();
    const way = wayBack(found, settings.rollBackPolicy);
    const { outcome, reversion } = await goBack(aftermath, found, way);
    const error = runErrorOf(input.error);
    const reverted = outcome?.reverted ?? [];
    return failedVerdict(aftermath.facts(outcome), { error, ledger: outcome, reverted, reversion });
  },
});

async function afterRollOut(
  { rollOut, policy, stopError }: UnhealthyRollOut,
  aftermath: Aftermath,
): Promise<Verdict> {
  const found = await aftermath.look();
  const isBack = rollOut.runs === 'old' && stopError === null;
  const way = policy !== 'down' ? NOT_ASKED : isBack ? 'revert' : ({ kind: 'new-version' } as const);
  const { outcome, reversion } = await goBack(aftermath, found, way);
  const sent: SentBack = {
    rollOut,
    policy,
    stopError: stopError ? runErrorOf(stopError).message : null,
    ledger: outcome,
    reverted: outcome?.reverted ?? [],
    reversion,
  };
  return sentBackVerdict(aftermath.facts(outcome), sent);
}

const NOT_ASKED = { kind: 'not-asked' } as const;

function wayBack(found: Outcome | undefined, policy: 'down' | 'code-only'): Reversion | 'revert' {
  if (found?.record?.verdict === 'applied') return { kind: 'complete' };
  return policy === 'down' ? 'revert' : NOT_ASKED;
}

/** Without anything that it applied, there is nothing to revert. */
async function goBack(aftermath: Aftermath, found: Outcome | undefined, way: Reversion | 'revert') {
  if (way !== 'revert') return { outcome: found, reversion: way };
  if (!found || found.applied.length === 0) return { outcome: found, reversion: { kind: 'done' } as const };
  const reversion = await aftermath.takeBack();
  const left = await aftermath.look();
  return { outcome: left && { ...left, record: found.record }, reversion };
}
