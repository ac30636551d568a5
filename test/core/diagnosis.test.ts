import { describe, expect, it } from 'vitest';
import {
  diagnose,
  type Facts,
  type Judgement,
  type LeaseSeen,
  type LedgerSeen,
  type LockSeen,
  NOTHING_TO_DO,
  nextStep,
  type Reached,
  type Reading,
  type Rights,
  type Surroundings,
} from '../../lib/core/diagnosis/index.ts';
import { runbook } from '../../lib/core/diagnosis/judgement.ts';
import { CATALOGUE, type ErrorCode, LockstepError } from '../../lib/core/errors/index.ts';
import type { LeaseRecord } from '../../lib/core/lease/index.ts';
import type { Blocker } from '../../lib/core/locks/index.ts';
import { EMPTY_LEDGER, makePlan } from '../../lib/core/plan/index.ts';
import { sectionsOf } from '../docs/markdown.ts';

const value = <T>(it: T): Reading<T> => ({ value: it });
const failed = (code: ErrorCode, sqlstate?: string): { error: LockstepError } => ({
  error: new LockstepError(code, {
    what: `What of ${code}.`,
    state: 'State.',
    remedy: `Remedy of ${code}.`,
    context: { sqlstate: sqlstate ?? null },
  }),
});

const blocker = (of: Partial<Blocker> = {}): Blocker => ({
  pid: 7,
  transaction: '',
  kind: 'session',
  applicationName: 'report',
  user: 'ann',
  state: 'idle in transaction',
  command: 'SELECT',
  transactionAgeMs: 600_000,
  queryAgeMs: 600_000,
  ...of,
});
const attempt = (token: number, of: Partial<Blocker> = {}) => ({
  ...blocker({ applicationName: `lockstep #${token} run`, state: 'active', queryAgeMs: 1_000, ...of }),
  token,
});
const record = (of: Partial<LeaseRecord> = {}): LeaseRecord => ({
  target: 'orders',
  state: 'HELD',
  holder: 'host:1:a',
  recordVersion: 'v',
  durationMs: 30_000,
  token: 5,
  ...of,
});
const NO_LOCK: LockSeen = {
  holder: null,
  blockedBy: [],
  blocks: { sessions: 0, longestMs: 0 },
  attempts: [],
};
const SURROUNDINGS: Surroundings = {
  clockAheadMs: 12,
  settings: {
    statement_timeout: '0',
    lock_timeout: '0',
    idle_session_timeout: '0',
    transaction_timeout: null,
    synchronous_commit: 'on',
  },
  connections: { used: 10, most: 97 },
  transactions: [],
};
const RIGHTS: Rights = {
  schema: 'own',
  mayCreateSchema: true,
  maySignal: false,
  grants: { schema: 'Grant the schema.', ledger: 'Grant the ledger.' },
};
const REACHED: Reached = {
  link: {
    tookMs: 12,
    user: 'migrator',
    actingAs: 'migrator',
    database: 'orders',
    serverVersion: 180_003,
    readOnly: false,
    isDirect: true,
    isSameSession: true,
    checksClient: true,
  },
  rights: value(RIGHTS),
  lock: value(NO_LOCK),
  ledger: value({ fenceToken: 5, runs: [] }),
  ledgerLockedBy: [],
  schema: value({ findings: [], objects: 3, notChecked: [] }),
  migrations: { kind: 'absent', why: 'There is no directory.' },
  surroundings: value(SURROUNDINGS),
};
const ADDRESS = { host: 'db.example.com', port: 5432, tls: 'verify' as const, isLocal: false };
const FREE: LeaseSeen = {
  where: 'postgres',
  record: record({ state: 'FREE', holder: '' }),
  since: null,
  silentMs: null,
};

interface Change extends Partial<Reached> {
  readonly link?: Reached['link'];
  readonly lease?: Reading<LeaseSeen>;
  readonly address?: Partial<Facts['address']>;
}
const judge = ({ lease = value(FREE), address = {}, ...reached }: Change = {}): readonly Judgement[] =>
  diagnose({ address: { ...ADDRESS, ...address }, reached: value({ ...REACHED, ...reached }), lease });
const named = (name: string, change: Change): readonly Judgement[] =>
  judge(change).filter((j) => j.name === name);
const link = (of: Partial<Reached['link']>) => ({ link: { ...REACHED.link, ...of } });
const rights = (of: Partial<Rights>) => ({ rights: value({ ...RIGHTS, ...of }) });
const held = (of: Partial<LeaseRecord>, silentMs: number | null, where: LeaseSeen['where'] = 'dynamodb') => ({
  lease: value({ where, record: record(of), since: null, silentMs }),
});
const lock = (of: Partial<LockSeen>) => ({ lock: value({ ...NO_LOCK, ...of }) });
const ledger = (of: Partial<LedgerSeen>) => ({ ledger: value({ fenceToken: 5, runs: [], ...of }) });
const around = (of: Partial<Surroundings>) => ({ surroundings: value({ ...SURROUNDINGS, ...of }) });
const settings = (of: Partial<Surroundings['settings']>) =>
  around({ settings: { ...SURROUNDINGS.settings, ...of } });
const RUN = { runId: 'run-1', holder: 'host:1:a', startedAt: '2026-11-21T06:00:00.000Z' };

const catalog = [
  {
    revision: '0001',
    slug: 'a',
    phase: 'expand' as const,
    sha256: 'x',
    normalizedSha256: 'x',
    reversible: false,
  },
];
const planOf = (pending: boolean) =>
  value(
    makePlan({
      ledger: EMPTY_LEDGER,
      catalog: (pending ? catalog : []) as never,
      repeatables: [],
      normalized: new Map(),
    }),
  );

it('of a healthy database nothing is a problem, and nothing is to be done', () => {
  const judgements = judge();
  expect(judgements.filter(({ level }) => level !== 'ok').map(({ name }) => name)).toEqual(['migrations']);
  expect(nextStep(judgements)).toBe(NOTHING_TO_DO);
});

it.each<[string, string, Change, Judgement['level'], RegExp]>([
  ['a server that takes writes', 'server', {}, 'ok', /PostgreSQL 18/],
  ['a replica', 'server', link({ readOnly: true }), 'problem', /read-only/],
  ['a role of its own', 'connection', link({ actingAs: 'owner' }), 'ok', /acting as owner/],
  ['a direct session', 'pooler', {}, 'ok', /None/],
  ['a pooler in session mode', 'pooler', link({ isDirect: false }), 'note', /kept to one session/],
  ['a pooler in transaction mode', 'pooler', link({ isSameSession: false }), 'problem', /no advisory lock/],
  ['TLS', 'tls', {}, 'ok', /Encrypted/],
  ['no TLS on this host', 'tls', { address: { tls: 'disable', isLocal: true } }, 'ok', /this host/],
  ['no TLS to another host', 'tls', { address: { tls: 'disable' } }, 'problem', /not encrypted/],
  ['the owner of the ledger', 'privileges', {}, 'ok', /sessions of its own/],
  ['who may end sessions', 'privileges', rights({ maySignal: true }), 'ok', /sessions of others/],
  ['no ledger, and the right to make it', 'privileges', rights({ schema: 'missing' }), 'ok', /may make it/],
  [
    'no ledger, and no right to make it',
    'privileges',
    rights({ schema: 'missing', mayCreateSchema: false }),
    'problem',
    /may not make it/,
  ],
  ['who may only read', 'privileges', rights({ schema: 'readable' }), 'note', /not migrate/],
  ['who may not even read', 'privileges', rights({ schema: 'closed' }), 'problem', /may not read/],
  ['rights that cannot be read', 'privileges', { rights: failed('LS301') }, 'problem', /What of LS301/],
  ['a ledger that answers', 'ledger', {}, 'ok', /token 5/],
  ['no ledger', 'ledger', ledger({ fenceToken: 0 }), 'ok', /not made yet/],
  ['a ledger that is not for this role', 'ledger', { ledger: failed('LS306') }, 'note', /Not looked at/],
  ['a newer ledger', 'ledger', { ledger: failed('LS307') }, 'problem', /What of LS307/],
  ['a ledger that waits', 'ledger', { ledger: failed('LS901', '55P03') }, 'problem', /could not be read/],
  [
    'a ledger that somebody has locked',
    'ledger',
    { ledger: failed('LS901', '57014'), ledgerLockedBy: [blocker()] },
    'problem',
    /locked by session 7 \(report, user ann\)/,
  ],
  ['a free lease', 'lease', {}, 'ok', /Free; the last token is 5/],
  [
    'a lease that nobody ever had',
    'lease',
    { lease: value({ where: 'dynamodb', record: undefined, since: null, silentMs: null }) },
    'ok',
    /never held/,
  ],
  ['a lease that is renewed', 'lease', held({}, null), 'ok', /signs of life/],
  ['a holder that is silent for a moment', 'lease', held({}, 29_999), 'ok', /silent for 30 s/],
  [
    "a lease that is a session's",
    'lease',
    { lease: value({ ...FREE, record: record(), since: RUN.startedAt }) },
    'ok',
    /token 5, connected since 2026-11-21T06:00:00.000Z/,
  ],
  ['a lease that has expired', 'lease', held({}, 30_000), 'problem', /has expired/],
  ['a store that does not answer', 'lease', { lease: failed('LS404') }, 'problem', /What of LS404/],
  ['a free lock', 'lock', {}, 'ok', /Free/],
  ['an attempt at work', 'lock', lock({ holder: attempt(5) }), 'note', /is at work/],
  [
    'an attempt that others wait for',
    'lock',
    lock({ holder: attempt(5), blocks: { sessions: 2, longestMs: 3_000 } }),
    'note',
    /2 sessions wait for it, the longest for 3 s/,
  ],
  [
    'an attempt that waits',
    'lock',
    lock({ holder: attempt(5), blockedBy: [blocker()] }),
    'note',
    /waits for session 7/,
  ],
  [
    'an attempt that has waited for long',
    'lock',
    lock({ holder: attempt(5, { queryAgeMs: 60_000 }), blockedBy: [blocker()] }),
    'problem',
    /waits for session 7/,
  ],
  [
    "somebody else's session with the lock",
    'lock',
    lock({ holder: { ...blocker(), token: null } }),
    'problem',
    /no attempt of Lockstep/,
  ],
  [
    'a holder below the fence',
    'lock',
    lock({ holder: attempt(4) }),
    'problem',
    /token is 4, and 5 was let in since/,
  ],
  [
    'a holder below the lease',
    'lock',
    { ...lock({ holder: attempt(5) }), ...held({ token: 6 }, null) },
    'problem',
    /the lease has given 6/,
  ],
  [
    'a holder without a lease',
    'lock',
    { ...lock({ holder: attempt(5) }), ...held({ state: 'FREE' }, null) },
    'problem',
    /nobody has the lease/,
  ],
  [
    'a holder whose lease lives',
    'lock',
    { ...lock({ holder: attempt(5) }), ...held({}, null) },
    'note',
    /is at work/,
  ],
  [
    'a holder that is silent',
    'lock',
    {
      ...lock({ holder: attempt(5, { state: 'idle', queryAgeMs: 30_000 }) }),
      ...held({}, 30_000, 'postgres'),
    },
    'problem',
    /silent for 30 s/,
  ],
  [
    'a holder that runs SQL for long',
    'lock',
    { ...lock({ holder: attempt(5, { queryAgeMs: 9e6 }) }), ...held({}, null, 'postgres') },
    'note',
    /is at work/,
  ],
  [
    'a holder of another role',
    'lock',
    {
      ...lock({ holder: attempt(5, { state: 'unknown', queryAgeMs: null }) }),
      ...held({}, null, 'postgres'),
    },
    'note',
    /is at work/,
  ],
  ['no attempt left', 'attempts', {}, 'ok', /None/],
  ['an attempt that waits its turn', 'attempts', lock({ attempts: [attempt(5)] }), 'note', /waits for the/],
  [
    'an idle session of an old attempt',
    'attempts',
    lock({ attempts: [attempt(4, { state: 'idle' })] }),
    'note',
    /4 is below 5/,
  ],
  [
    'an old attempt in a transaction',
    'attempts',
    lock({ attempts: [attempt(4, { state: 'idle in transaction' })] }),
    'problem',
    /4 is below 5/,
  ],
  [
    'an attempt below the lease',
    'attempts',
    { ...lock({ attempts: [attempt(5)] }), ...held({ token: 6 }, null) },
    'problem',
    /5 is below 6/,
  ],
  ['a run that never ended', 'attempts', ledger({ runs: [RUN] }), 'problem', /run-1 of host:1:a .*never/],
  [
    'a run between two invocations',
    'attempts',
    { ...ledger({ runs: [RUN] }), ...held({}, null) },
    'ok',
    /None/,
  ],
  [
    'a run at work',
    'attempts',
    { ...ledger({ runs: [RUN] }), ...lock({ holder: attempt(5) }) },
    'ok',
    /None/,
  ],
  ['a schema as it should be', 'schema', {}, 'ok', /3 objects/],
  [
    'what verify finds',
    'schema',
    {
      schema: value({
        findings: [
          { kind: 'invalid-index' as const, object: 'i', what: 'It is INVALID.', remedy: 'Mend it.' },
        ],
        objects: 1,
        notChecked: [],
      }),
    },
    'problem',
    /It is INVALID/,
  ],
  [
    'what verify could not check',
    'schema',
    { schema: value({ findings: [], objects: 1, notChecked: ['A large file.'] }) },
    'note',
    /Not checked: A large file/,
  ],
  ['no migrations at hand', 'migrations', {}, 'note', /There is no directory/],
  [
    'migrations that do not compile',
    'migrations',
    { migrations: { kind: 'read', plan: failed('LS204') } },
    'problem',
    /What of LS204/,
  ],
  [
    'a ledger that cannot be compared',
    'migrations',
    { migrations: { kind: 'read', plan: failed('LS306') } },
    'note',
    /Not looked at/,
  ],
  ['pending ones', 'migrations', { migrations: { kind: 'read', plan: planOf(true) } }, 'note', /1 to apply/],
  ['none pending', 'migrations', { migrations: { kind: 'read', plan: planOf(false) } }, 'ok', /All applied/],
  ['usual settings', 'settings', {}, 'ok', /None/],
  [
    'limits of the login',
    'settings',
    settings({ statement_timeout: '30000 ms' }),
    'note',
    /statement_timeout = 30000 ms/,
  ],
  ['commits that may be lost', 'settings', settings({ synchronous_commit: 'off' }), 'problem', /lost/],
  ['a server that does not check clients', 'settings', link({ checksClient: false }), 'note', /killed/],
  ['connections to spare', 'connections', {}, 'ok', /10 of 97/],
  [
    'hardly any connection left',
    'connections',
    around({ connections: { used: 88, most: 97 } }),
    'problem',
    /88 of 97/,
  ],
  [
    'a young transaction',
    'transactions',
    around({ transactions: [blocker({ transactionAgeMs: 299_999 })] }),
    'ok',
    /None is older than 5 min/,
  ],
  [
    'an old transaction',
    'transactions',
    around({ transactions: [blocker()] }),
    'problem',
    /Open for 10 min: session 7/,
  ],
  [
    'an old prepared transaction',
    'transactions',
    around({ transactions: [blocker({ pid: null, kind: 'prepared-transaction' })] }),
    'problem',
    /a prepared transaction/,
  ],
  [
    'an old autovacuum',
    'transactions',
    around({ transactions: [blocker({ kind: 'autovacuum' })] }),
    'ok',
    /None/,
  ],
  ['clocks that agree', 'clock', {}, 'ok', /agree/],
  ['a clock ahead', 'clock', around({ clockAheadMs: 2_000 }), 'note', /2 s ahead of .*Nothing depends/],
  ['a clock behind', 'clock', around({ clockAheadMs: -600_000 }), 'note', /10 min behind/],
  ['surroundings that cannot be read', 'surroundings', { surroundings: failed('LS301') }, 'problem', /LS301/],
])('%s', (_, name, change, level, what) => {
  expect(named(name, change)).toEqual([
    expect.objectContaining({ level, what: expect.stringMatching(what) }),
  ]);
});

it('the statement that is proposed for a login names it as SQL wants it', () => {
  const change = { ...settings({ synchronous_commit: 'off' }), ...link({ user: 'app-"rw' }) };
  expect(named('settings', change)[0]?.next).toContain('ALTER ROLE "app-""rw" SET synchronous_commit = on');
});

describe('a server that is not reached', () => {
  const unreached = (lease: Reading<LeaseSeen>) =>
    diagnose({ address: ADDRESS, reached: failed('LS301'), lease });

  it('is the first problem, with its own explanation and its section of the runbook', () => {
    const judgements = unreached(failed('LS301'));
    expect(judgements).toEqual([
      {
        name: 'connection',
        level: 'problem',
        what: 'What of LS301.',
        next: 'Remedy of LS301.',
        see: 'docs/runbook.md#ls301-the-database-does-not-answer',
      },
    ]);
    expect(nextStep(judgements)).toBe('Remedy of LS301.');
  });

  it('keeps nobody from hearing of a lease that is elsewhere', () => {
    const judgements = unreached(held({}, 30_000).lease);
    expect(judgements.map(({ name, level }) => `${name} ${level}`)).toEqual([
      'connection problem',
      'lease problem',
    ]);
  });
});

describe('the next step', () => {
  it('is that of the first problem on the way, not of the first that one would notice', () => {
    const broken = judge({
      ...link({ isSameSession: false }),
      ...around({ transactions: [blocker()] }),
      ...lock({ holder: attempt(4) }),
    });
    expect(broken.filter(({ level }) => level === 'problem').map(({ name }) => name)).toEqual([
      'pooler',
      'lock',
      'transactions',
    ]);
    expect(nextStep(broken)).toMatch(/direct address/);
  });

  it('without a problem is that of the first note which has one', () => {
    const migrations = { kind: 'read', plan: planOf(true) } as const;
    expect(nextStep(judge({ migrations }))).toBe('`lockstep up` applies what is pending.');
    expect(nextStep(judge({ migrations, ...lock({ holder: attempt(5) }) }))).toMatch(/^Wait for it/);
  });
});

it('every code has its section where a finding sends people', () => {
  const anchors = new Set(sectionsOf('docs/runbook.md').map(({ anchor }) => `docs/runbook.md#${anchor}`));
  const codes = Object.keys(CATALOGUE) as ErrorCode[];
  expect(codes.map(runbook).filter((section) => !anchors.has(section))).toEqual([]);
});

it('the sections that findings name are there', () => {
  const everything = [
    ...judge({ ...link({ isDirect: false }), ...rights({ schema: 'readable' }) }),
    ...judge({ address: { tls: 'disable' }, ledger: failed('LS901', '57014') }),
    ...judge({ ...ledger({ runs: [RUN] }), ...settings({ lock_timeout: '1 ms' }) }),
  ];
  const named = everything.flatMap(({ see }) => (see === null ? [] : [see]));
  expect(named.length).toBeGreaterThan(5);
  const missing = named.filter((see) => {
    const [file = '', anchor] = see.split('#');
    const sections = sectionsOf(file);
    return anchor !== undefined && !sections.some((section) => section.anchor === anchor);
  });
  expect(missing).toEqual([]);
});
