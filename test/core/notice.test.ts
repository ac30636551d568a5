import { expect, test } from 'vitest';
import { appliedVerdict, nameList, noticeOf, type Verdict } from '../../lib/core/rollout/index.ts';
import { rollBack } from '../contract/rollout-signal.contract.ts';

const facts = {
  run: 'run-1',
  target: 'orders',
  bundleDigest: '',
  restorePoint: 'snap-1',
  durationMs: 61_400,
};

test('a notice says what happened, what is true now and what to do, and then the facts', () => {
  expect(noticeOf(rollBack)).toEqual({
    subject: 'Lockstep: ROLL BACK orders',
    text: [
      rollBack.message,
      rollBack.state,
      `What to do: ${rollBack.next}`,
      '',
      'Target: orders',
      'Run: run-1 (0 s)',
      'Not applied: 0001_a',
    ].join('\n'),
  });
});

test('long lists are cut, with their number, and who approved is named', () => {
  const names = Array.from({ length: 30 }, (_, i) => `m${i}`);
  const { text } = noticeOf(appliedVerdict({ ...facts, approvedBy: 'Ann' }, nameList(names)));
  expect(text).toContain('m19 and 10 more');
  expect(text).toContain('Approved by: Ann');
  expect(text).toContain('Restore point: snap-1');
  expect(text).toContain('Run: run-1 (61 s)');
});

test('the report and warnings come last', () => {
  const report = { uri: 's3://b/k', url: 'https://console/k' };
  const { text } = noticeOf({ ...rollBack, report, warnings: ['LS750: no.'] });
  expect(text).toMatch(/\nReport: https:\/\/console\/k\nWarning: LS750: no\.$/);
});

test('the subject is printable ASCII and has at most 100 characters, whatever the target is called', () => {
  const verdict: Verdict = { ...rollBack, target: `größe\n${'x'.repeat(200)}` };
  expect(noticeOf(verdict).subject).toMatch(/^[\x20-\x7e]{1,100}$/);
});
