import {
  CreateDBInstanceCommand,
  type DBCluster,
  DescribeDBClustersCommand,
  ModifyDBClusterCommand,
  type RDSClient,
  RestoreDBClusterFromSnapshotCommand,
  RestoreDBClusterToPointInTimeCommand,
} from '@aws-sdk/client-rds';
import {
  type ClusterSettings,
  type RestorationRequest,
  type RestorationState,
  type RestorationStore,
  restorationError,
  restoredName,
} from '../../core/restore-point/index.ts';
import { explained, stateOf, unless } from './copy-calls.ts';
import { clusterInput, memberInput } from './restore-inputs.ts';
import { findInstance, restoredTags } from './restored-instance.ts';

const GONE = ['DBClusterNotFoundFault'];
/** Another invocation was faster. */
const EXISTS = ['DBClusterAlreadyExistsFault', 'DBInstanceAlreadyExistsFault'];

/**
 * The steps of `lockstep restore plan` for a cluster, up to the look at the data: a new one is made of the restore point,
 * or the clone protected, and then its instances are made, one after the other.
 */
export class RdsRestoredCluster implements RestorationStore {
  readonly #client: RDSClient;

  constructor(client: RDSClient) {
    this.#client = client;
  }

  ensure(request: RestorationRequest): Promise<RestorationState> {
    const name = restoredName(request);
    const restore = async (): Promise<RestorationState> => {
      const cluster = await this.#ensureCluster(request, name);
      const state = stateOf(cluster?.Status, `The cluster ${name}`, restorationError);
      if (!cluster || state === 'creating' || !(await this.#hasMembers(request, name)))
        return { kind: 'creating' };
      const { Endpoint: host = '', Port: port = 5432 } = cluster;
      return { kind: 'available', identifier: name, host, port };
    };
    return explained(
      `The cluster ${name} could not be made for ${request.record.source}`,
      restore,
      restorationError,
    );
  }

  async #ensureCluster(request: RestorationRequest, name: string): Promise<DBCluster | undefined> {
    const found = await this.#find(name);
    if (request.record.method !== 'clone') return found ?? this.#begin(request);
    if (!found) throw cloneGone(name);
    if (found.DeletionProtection) return found;
    const input = { DBClusterIdentifier: name, DeletionProtection: true, ApplyImmediately: true };
    return (await this.#client.send(new ModifyDBClusterCommand(input))).DBCluster;
  }

  async #find(id: string): Promise<DBCluster | undefined> {
    const command = new DescribeDBClustersCommand({ DBClusterIdentifier: id });
    return (await unless(GONE, this.#client.send(command)))?.DBClusters?.[0];
  }

  /** Undefined while the backups are behind, and when another invocation has begun it. */
  async #begin(request: RestorationRequest): Promise<DBCluster | undefined> {
    const { id, restorePoint, record } = request;
    const settings = record.settings as ClusterSettings;
    const common = { DBClusterIdentifier: id, ...clusterInput(settings), Tags: restoredTags(request) };
    if (record.method === 'snapshot') {
      const { engine: Engine, engineVersion } = settings;
      const version = engineVersion === null ? {} : { EngineVersion: engineVersion };
      const input = { SnapshotIdentifier: restorePoint, Engine, ...version, ...common };
      const restoring = this.#client.send(new RestoreDBClusterFromSnapshotCommand(input));
      return (await unless(EXISTS, restoring))?.DBCluster;
    }
    const RestoreToTime = new Date(restorePoint);
    const source = await this.#find(record.source);
    if ((source?.LatestRestorableTime?.getTime() ?? 0) < RestoreToTime.getTime()) return undefined;
    const input = { SourceDBClusterIdentifier: record.source, RestoreToTime, ...common };
    const restoring = this.#client.send(new RestoreDBClusterToPointInTimeCommand(input));
    return (await unless(EXISTS, restoring))?.DBCluster;
  }

  /** Makes the first one that is missing, the writer before the readers; true when all are available. */
  async #hasMembers(request: RestorationRequest, cluster: string): Promise<boolean> {
    const settings = request.record.settings as ClusterSettings;
    for (const [at, member] of settings.members.entries()) {
      const DBInstanceIdentifier = `${request.id}-${at + 1}`;
      const found = await findInstance(this.#client, DBInstanceIdentifier);
      if (!found) {
        const input = { DBInstanceIdentifier, DBClusterIdentifier: cluster, Tags: restoredTags(request) };
        const creating = new CreateDBInstanceCommand({ ...input, ...memberInput(settings, member) });
        await unless(EXISTS, this.#client.send(creating));
        return false;
      }
      const what = `The instance ${DBInstanceIdentifier}`;
      if (stateOf(found.DBInstanceStatus, what, restorationError) === 'creating') return false;
    }
    return true;
  }
}

const cloneGone = (name: string) =>
  restorationError(
    `The clone ${name} is not there any more.`,
    'Look for another restore point, of an earlier run, with `lockstep runs`.',
  );
