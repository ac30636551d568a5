import { describe, expect, it } from 'vitest';
import {
  type CatalogEntry,
  type CurrentEntry,
  makePlan,
  makeRevertPlan,
  type Phase,
  type RunPhase,
  refusal,
} from '../../lib/core/plan/index.ts';

const PHASES: Readonly<Record<string, Phase>> = { e: 'expand', b: 'backfill', c: 'contract' };

/** `1e 2c` is a catalog, or a ledger, of revision 1 of phase expand and 2 of phase contract. */
const entries = (text: string) =>
  text
    .split(' ')
    .filter(Boolean)
    .map((one) => {
      const [, revision = '', phase = ''] = /^(\d+)(\w)$/.exec(one) ?? [];
      return { revision, slug: 's', phase: PHASES[phase]!, sha256: revision };
    });
const catalog = (text: string): CatalogEntry[] => entries(text);
const applied = (text: string, runId = 'run', reversible = true): CurrentEntry[] =>
  entries(text).map((e) => ({
    ...e,
    kind: 'applied',
    ordinal: 1,
    normalizedSha256: e.sha256,
    reversible,
    runId,
    entryId: e.revision,
    appliedEntryId: e.revision,
  }));
const ledgerOf = (current: readonly CurrentEntry[]) => ({
  current,
  repeatables: [],
  partial: [],
  lastEntryId: '0',
});

function planFor(files: string, inLedger: string, phase?: RunPhase) {
  const plan = makePlan({ ledger: ledgerOf(applied(inLedger)), catalog: catalog(files), phase });
  const revisions = (of: readonly { revision: string }[]) => of.map((m) => m.revision).join(' ');
  const code = refusal(plan)?.code;
  return {
    outcome: plan.outcome,
    pending: revisions(plan.pending),
    heldBack: revisions(plan.heldBack),
    code,
  };
}

describe('a plan for a phase', () => {
  it.each([
    ['no phase takes everything in order', '1e 2b 3c 4e', '', undefined, '1 2 3 4', ''],
    [
      'expand takes back-fills with it, goes past contract, and leaves that',
      '1e 2b 3c 4e',
      '',
      'expand',
      '1 2 4',
      '3',
    ],
    ['contract takes contract only', '1e 2b 3c 4c', '1e 2b', 'contract', '3 4', ''],
    ['contract that was held back is not out of order', '1e 2c 3e', '1e 3e', 'contract', '2', ''],
    ['nor without a phase', '1e 2c 3e 4e', '1e 3e', undefined, '2 4', ''],
    ['an expand above the contract to run may be pending', '1e 2c 3e', '1e', 'contract', '2', ''],
  ] as const)('%s', (_, files, inLedger, phase, pending, heldBack) => {
    expect(planFor(files, inLedger, phase)).toEqual({
      outcome: 'pending',
      pending,
      heldBack,
      code: undefined,
    });
  });

  it.each([
    ['expand below anything applied is out of order', '1e 2e 3e', '1e 3e', 'expand', 'LS502'],
    ['expand below an applied contract, too', '1e 2e 3c', '1e 3c', 'expand', 'LS502'],
    ['contract below an applied contract is out of order', '1e 2c 3c', '1e 3c', 'contract', 'LS502'],
    ['contract above an expand that is pending is refused', '1e 2c', '', 'contract', 'LS511'],
    ['and above a back-fill that is pending', '1e 2b 3c', '1e', 'contract', 'LS511'],
    ['also the later one of two', '1e 2c 3e 4c', '1e', 'contract', 'LS511'],
  ] as const)('%s', (_, files, inLedger, phase, code) => {
    expect(planFor(files, inLedger, phase)).toMatchObject({ outcome: 'refused', code });
  });

  it('with nothing of that phase pending has nothing to do, and tells what it leaves', () => {
    const expanded = { outcome: 'nothing-pending', pending: '', heldBack: '2', code: undefined };
    expect(planFor('1e 2c', '1e', 'expand')).toEqual(expanded);
    expect(planFor('1e 2e', '1e', 'contract')).toMatchObject({ outcome: 'nothing-pending', heldBack: '' });
  });
});

describe('taking back what one run applied', () => {
  /** In the order in which they were applied; `m` is of the run that is taken back. */
  const builtOn = (order: string) => {
    const current = order.split(' ').flatMap((one, index) => {
      const [entry] = applied(one.replace('m', ''), one.endsWith('m') ? 'mine' : 'other');
      return entry ? [{ ...entry, entryId: String(index), appliedEntryId: String(index) }] : [];
    });
    const mine = new Set(current.filter((e) => e.runId === 'mine').map((e) => e.appliedEntryId));
    const plan = makeRevertPlan(ledgerOf(current), { kind: 'run', runId: 'mine' }, mine);
    return plan.builtOn.map((e) => e.revision).join(' ');
  };

  it('names the migrations of others that were applied later, above', () => {
    expect(builtOn('1em 2bm')).toBe('');
    expect(builtOn('1e 2em')).toBe('');
    expect(builtOn('1em 2e 3em 4e')).toBe('4 2');
    expect(builtOn('1em 2c')).toBe('2');
    expect(builtOn('1e 2cm 3e')).toBe('3');
    expect(builtOn('1e 3em 2e')).toBe('');
  });

  it('does not name what was there before, whatever its number: a contract step may be held back', () => {
    expect(builtOn('1e 3e 2cm')).toBe('');
    expect(builtOn('1e 3e 2cm 4c')).toBe('4');
  });
});
