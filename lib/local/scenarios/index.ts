/**
 * What `npm start -- --scenario NAME` shows: one way in which a run of the workflow can go, from its start to what
 * deployers are told, on the state machine as CDK synthesizes it.
 *
 * Invariants: each scenario has a database, a stack and functions of its own, so it goes the same way alone and after
 * others; what is promised of it is checked against the database, the lease table and the event bus, and one promise
 * that is not kept fails the command, after all scenarios were played. However it ends, nothing is left.
 *
 * What can fail: LS605 when interrupted, LS104 or LS102 when no local server can be started, LS901 for a promise that
 * was not kept.
 */
import { close, type Played, timed, untilAborted } from '../demo/closing.ts';
import { GREETING, Narrator, type Page } from '../demo/narrator.ts';
import { Promises } from '../demo/promises.ts';
import { SAMPLE } from '../demo/releases.ts';
import { Disposers } from '../disposers.ts';
import { type LocalServer, startLocalServer, startRuntimeOn } from '../runtime.ts';
import { alarm } from './alarm.ts';
import { approvalExpired } from './approval-expired.ts';
import { approved } from './approved.ts';
import { SCENARIOS, type ScenarioName } from './catalogue.ts';
import { failedMigration } from './failed-migration.ts';
import { failedRollOut } from './failed-roll-out.ts';
import { olderBundle } from './older-bundle.ts';
import { refused } from './refused.ts';
import { restored } from './restored.ts';
import type { Scenario } from './scenario.ts';
import { stopped } from './stopped.ts';
import { success } from './success.ts';

const PLAYED_BY: Readonly<Record<ScenarioName, Scenario>> = {
  success,
  'failed-migration': failedMigration,
  'failed-roll-out': failedRollOut,
  alarm,
  restored,
  'older-bundle': olderBundle,
  stopped,
  approved,
  refused,
  'approval-expired': approvalExpired,
};

export interface ScenarioOptions {
  readonly page: Page;
  readonly signal: AbortSignal;
  /** Played in this order. */
  readonly names: readonly ScenarioName[];
}

export interface ScenarioResult {
  readonly scenarios: readonly {
    readonly scenario: string;
    readonly result: string;
    readonly durationMs: number;
  }[];
  readonly promisesKept: number;
}

export async function runScenarios({ page, signal, names }: ScenarioOptions): Promise<ScenarioResult> {
  const disposers = new Disposers();
  const startedMs = performance.now();
  try {
    page.line(GREETING);
    const server = await startLocalServer(disposers);
    signal.throwIfAborted();
    page.line(
      page.paint('dim', `  PostgreSQL on 127.0.0.1:${server.server.port}, logs in ${server.directory}`),
    );
    // What is still on its way when the signal comes has nobody to be told to.
    const line = (text: string) => (signal.aborted ? undefined : page.line(text));
    const narrator = new Narrator({ ...page, line });
    const promises = new Promises(narrator);
    const played: Played[] = [];
    for (const name of names) {
      played.push(await timed(name, () => playOne(name, { narrator, promises, server, disposers, signal })));
    }
    close(page, promises, { heading: 'scenario', played, startedMs });
    const scenarios = played.map(({ name, ...rest }) => ({ scenario: name, ...rest }));
    return { scenarios, promisesKept: promises.kept };
  } finally {
    await disposers.run();
  }
}

interface Surroundings {
  readonly narrator: Narrator;
  readonly promises: Promises;
  readonly server: LocalServer;
  readonly disposers: Disposers;
  readonly signal: AbortSignal;
}

async function playOne(
  name: ScenarioName,
  { narrator, promises, server, disposers, signal }: Surroundings,
): Promise<string> {
  narrator.act(`${name}: ${SCENARIOS[name]}`);
  const own = new Disposers();
  disposers.add(() => own.run());
  const { play, stack, takesRestorePoints = false } = PLAYED_BY[name];
  const options = { name: `orders-${name}`, migrations: SAMPLE, takesRestorePoints, signal, ...stack };
  const runtime = await startRuntimeOn(server, options, own);
  signal.throwIfAborted();
  const result = await untilAborted(signal, play({ runtime, narrator, promises }));
  // Its processes, while others are played; after an error, or Ctrl-C, at the end.
  await own.run();
  return result;
}
