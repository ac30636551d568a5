/**
 * First act: three instances of the new version and the workflow start at the same moment, and each of the four
 * wants to migrate. One does; the others wait for it and find everything applied; then all are ready.
 */
import type { InstanceEvent, InstanceReady } from '../app-instance.ts';
import { type AppInstance, startInstance } from '../app-instances.ts';
import { historyOf, leaseIsFree, newEntries } from './ledger.ts';
import type { Narrator } from './narrator.ts';
import {
  type AppStage,
  compileRelease,
  type Release,
  type Run,
  rollOutSignalled,
  runWorkflow,
} from './stage.ts';
import { list, plural, seconds } from './words.ts';

const INSTANCES = ['app-1', 'app-2', 'app-3'];
const LEASE_DURATION_MS = 3_000;

/** What the act found, for the summary. Throws the LockstepError of an instance that cannot start. */
export async function rollOut(stage: AppStage, migrations: string): Promise<string> {
  stage.narrator.act(
    'Act 1, roll out: three app instances and the workflow start at once, and each wants to migrate',
  );
  const release = await compileRelease(stage, 'act-1', migrations);
  const before = await historyOf(stage);
  stage.instances.push(...INSTANCES.map((name) => startOne(stage, release, name)));
  const [run, ready] = await Promise.all([
    runWorkflow(stage, release),
    Promise.all(stage.instances.map((instance) => tellReady(stage.narrator, instance))),
  ]);
  const applied = newEntries(before, await historyOf(stage));
  const appliers = [...new Set(applied.map(({ runId }) => nameOf(runId, run, stage.instances)))];
  await checkPromises(stage, { release, run, ready, appliers, names: applied.map(({ name }) => name) });
  return applied.length === 0
    ? 'nothing was pending'
    : `${plural(applied.length, 'migration')} applied once, by ${list(appliers)}; the others waited`;
}

interface Found {
  readonly release: Release;
  readonly run: Run;
  readonly ready: readonly InstanceReady[];
  /** Who of the four has entries in the ledger, and which migrations these are of. */
  readonly appliers: readonly string[];
  readonly names: readonly string[];
}

async function checkPromises(
  stage: AppStage,
  { release, run, ready, appliers, names }: Found,
): Promise<void> {
  const { promises } = stage;
  const none = names.length === 0;
  const waited = ready.filter(({ ran }) => !ran).map(({ waitedMs }) => seconds(waitedMs));
  promises.check(
    none
      ? 'nothing was pending, so none of the four migrated'
      : `exactly one of the four applied ${plural(names.length, 'migration')}, each once: ${list(appliers)}`,
    appliers.length === (none ? 0 : 1) && new Set(names).size === names.length,
    `${list(appliers)}: ${list(names)}`,
  );
  promises.check(
    'the workflow ended well and signalled roll out',
    run.outcome.status === 'SUCCEEDED' && rollOutSignalled(run),
    JSON.stringify(run.outcome),
  );
  promises.check(
    `each instance became ready with everything applied; ${none ? 'nobody had to wait' : `those that did not migrate waited ${list(waited)}`}`,
    ready.every(({ appliedCount }) => appliedCount >= release.names.length),
    list(ready.map(({ appliedCount }) => String(appliedCount))),
  );
  const health = await Promise.all(stage.instances.map((instance) => instance.health()));
  promises.check(
    'all three instances serve',
    health.every((status) => status === 200),
    list(health.map(String)),
  );
  promises.check('the lease is free', await leaseIsFree(stage));
}

function startOne(
  { runtime, narrator, probeSql, instances }: AppStage,
  { bundleFile }: Release,
  name: string,
): AppInstance {
  const { database, cloud, disposers } = runtime;
  const options = {
    database,
    target: database.database,
    leaseTable: cloud.workflow.leaseTable.TableName,
    leaseDurationMs: LEASE_DURATION_MS,
    bundle: bundleFile,
    probeSql,
  };
  const instance = startInstance(name, options, cloud.environment, tellEvents(narrator, name, instances));
  disposers.add(instance.stop);
  return instance;
}

function tellEvents(narrator: Narrator, name: string, instances: readonly AppInstance[]) {
  let waitsFor = '';
  return (event: InstanceEvent): void => {
    if (event.kind === 'lease-acquired')
      narrator.tell(name, `has the lease (token ${event.token}) and migrates`);
    if (event.kind === 'migration-done') {
      narrator.tell(name, `applied ${event.migration} in ${Math.round(event.durationMs)} ms`);
    }
    if (event.kind !== 'waiting') return;
    const holder = nameOf(event.heldBy, undefined, instances);
    if (holder !== waitsFor) narrator.tell(name, `waits: ${holder} has the lease`);
    waitsFor = holder;
  };
}

async function tellReady(narrator: Narrator, { name, ready }: AppInstance): Promise<InstanceReady> {
  const result = await ready;
  const how = result.ran ? 'migrated' : `waited ${seconds(result.waitedMs)}, found everything applied`;
  narrator.tell(name, `ready on 127.0.0.1:${result.port} (${how})`);
  return result;
}

/** A holder or run id as the reader knows it: instances are host:pid:uuid, anything else is the workflow. */
function nameOf(id: string, run: Run | undefined, instances: readonly AppInstance[]): string {
  if (id === run?.name) return 'workflow';
  return instances.find(({ pid }) => id.includes(`:${pid}:`))?.name ?? 'workflow';
}
