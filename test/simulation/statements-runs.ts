/** Messages about runs. */
import type { Backend, Row } from './backend.ts';
import { ledgerOf, valuesIn } from './rows.ts';
import type { Known } from './statements.ts';

function endUnfinished(backend: Backend, [error = '', which]: readonly string[]): readonly Row[] {
  const { runs } = ledgerOf(backend);
  const nowMs = backend.server.time.nowMs();
  backend.open.writes.push(() => {
    for (const run of runs) {
      if (run.finishedMs !== null || run.runId === which) continue;
      Object.assign(run, { verdict: 'failed', error, finishedMs: nowMs });
    }
  });
  return [];
}

function startRun(backend: Backend, list: string): readonly Row[] {
  const { runs } = ledgerOf(backend);
  const [runId, , token, digest] = valuesIn(list);
  backend.open.writes.push(() => {
    const again = { token: Number(token), verdict: 'running', finishedMs: null };
    const known = runs.find((run) => run.runId === runId);
    if (known) Object.assign(known, again);
    else runs.push({ runId: runId!, digest: digest!, error: null, failedMigration: null, ...again });
  });
  return [];
}

function finishRun(backend: Backend, parts: readonly string[]): readonly Row[] {
  const { runs } = ledgerOf(backend);
  const [verdict, error, failedMigration, runId, token] = parts;
  const finishedMs = backend.server.time.nowMs();
  backend.open.writes.push(() => {
    const run = runs.find((r) => r.runId === runId && r.token <= Number(token));
    if (run)
      Object.assign(run, {
        verdict,
        error: error ?? null,
        failedMigration: failedMigration ?? null,
        finishedMs,
      });
  });
  return [];
}

function settleRun(backend: Backend, [runId, token]: readonly string[]): readonly Row[] {
  const { runs } = ledgerOf(backend);
  const finishedMs = backend.server.time.nowMs();
  backend.open.writes.push(() => {
    const run = runs.find((r) => r.runId === runId && r.finishedMs === null && r.token <= Number(token));
    if (run) Object.assign(run, { verdict: 'applied', finishedMs });
  });
  return [];
}

function readEndedRun(backend: Backend, [digest, but, sinceMs]: readonly string[]): readonly Row[] {
  const found = ledgerOf(backend)
    .runs.filter((r) => r.digest === digest && r.runId !== but && (r.finishedMs ?? -1) >= Number(sinceMs))
    .toSorted((a, b) => b.finishedMs! - a.finishedMs!)[0];
  return found ? [{ run_id: found.runId, error: found.error, failed_migration: found.failedMigration }] : [];
}

const TEXT = "'((?:[^']|'')*)'";
const nullOr = (text: string) => `(?:NULL|COALESCE\\((?:NULL|${text}), r\\.\\w+\\))`;

export const RUNS: readonly Known[] = [
  [
    /^SELECT pg_catalog\.row_to_json\(x\) AS run .*WHERE r\.run_id = '([^']*)'/s,
    (backend, [runId]) => {
      const run = ledgerOf(backend).runs.find((r) => r.runId === runId);
      return run ? [{ run: JSON.stringify({ verdict: run.verdict }) }] : [];
    },
  ],
  [
    new RegExp(
      `^UPDATE lockstep\\.run r SET verdict = 'failed', error = ${TEXT}.*r\\.run_id <> ${TEXT}$`,
      's',
    ),
    endUnfinished,
  ],
  [
    /^INSERT INTO lockstep\.run \(.*\)\s+VALUES \((.*), 'running'\)/s,
    (backend, [list = '']) => startRun(backend, list),
  ],
  [
    new RegExp(
      `^UPDATE lockstep\\.run r\\s+SET verdict = '(\\w+)', error = ${nullOr(TEXT)},\\s+failed_migration = ${nullOr(TEXT)}, .*WHERE r\\.run_id = '([^']*)' AND r\\.token <= (\\d+)$`,
      's',
    ),
    finishRun,
  ],
  [
    /^UPDATE lockstep\.run r SET verdict = 'applied', .*WHERE r\.run_id = '([^']*)' AND r\.finished_at IS NULL AND r\.token <= (\d+)$/s,
    settleRun,
  ],
  [
    /^SELECT r\.run_id, r\.error, r\.failed_migration .*bundle_digest = '(\w+)' AND r\.run_id <> '([^']*)'\s+AND r\.finished_at >= pg_catalog\.to_timestamp\((\d+)/s,
    readEndedRun,
  ],
];
