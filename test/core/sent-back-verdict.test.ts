import { expect, test } from 'vitest';
import {
  type RollOutProgress,
  type SentBack,
  sentBackVerdict,
  verdictSchema,
} from '../../lib/core/rollout/index.ts';

const facts = {
  run: 'run-1',
  target: 'orders',
  bundleDigest: 'abc',
  restorePoint: null,
  durationMs: 1000,
};
const sent = (runs: RollOutProgress['runs'], changes: Partial<SentBack> = {}): SentBack => ({
  rollOut: { deployment: 'd-1', runs, reason: 'the alarm a rang' },
  policy: 'code-only',
  stopError: null,
  ledger: { applied: ['0002_b'], notApplied: [], partial: [], repeatables: [] },
  reverted: [],
  reversion: { kind: 'not-asked' },
  ...changes,
});
const REVERT = '`lockstep down --run run-1` reverts the schema, if the old version does not work with it.';

test.each<[string, SentBack, string, string]>([
  [
    'the old version runs again',
    sent('old'),
    'The deployment d-1 was rolled back, and the old version runs. 0002_b of this run stays applied: the roll-back policy takes back the code only.',
    `Find out what was wrong and release again. ${REVERT}`,
  ],
  [
    'what it applied is reverted',
    sent('old', {
      policy: 'down',
      ledger: { applied: [], notApplied: ['0002_b'], partial: [], repeatables: [] },
      reverted: ['0002_b'],
      reversion: { kind: 'done' },
    }),
    'The deployment d-1 was rolled back, and the old version runs. Nothing of this run is applied. 0002_b was applied by this run and reverted again.',
    'Find out what was wrong and release again.',
  ],
  [
    'the new version runs',
    sent('new', { policy: 'down', reversion: { kind: 'new-version' } }),
    'The deployment d-1 is complete and cannot be stopped any more: the new version runs. 0002_b of this run stays applied: the new version may be running, and needs it.',
    `Roll the app back with what deployed it. ${REVERT}`,
  ],
  [
    'nobody knows which one runs',
    sent('unknown'),
    'The deployment d-1 was stopped; which version runs is not known. 0002_b of this run stays applied: the roll-back policy takes back the code only.',
    `Roll the app back with what deployed it. ${REVERT}`,
  ],
  [
    'it could not be stopped',
    sent('unknown', { stopError: 'LS705: ECS did not roll it back.' }),
    'LS705: ECS did not roll it back. Which version runs is not known. 0002_b of this run stays applied: the roll-back policy takes back the code only.',
    `Roll the app back with what deployed it. ${REVERT}`,
  ],
  [
    'nothing is to be done',
    sent('new', { policy: 'none' }),
    'Nothing was done about it, as the policy none says. 0002_b of this run stays applied: the roll-back policy takes back the code only.',
    `Roll the app back with what deployed it. ${REVERT}`,
  ],
])(
  'after an unhealthy roll-out the verdict says what is true and what to do: %s',
  (_, given, state, next) => {
    const verdict = sentBackVerdict(facts, given);
    expect(verdictSchema.parse(verdict)).toEqual(verdict);
    expect(verdict).toMatchObject({
      run: 'run-1',
      outcome: 'failed',
      signal: given.policy === 'none' ? 'NONE' : 'ROLL_BACK',
      message: 'LS706: The roll-out after the run run-1 was unhealthy: the alarm a rang.',
      error: { name: 'RollOutError', code: 'LS706' },
      state,
      next: `${next} docs/runbook.md explains LS706.`,
    });
  },
);
