import {
  type DBInstance,
  DescribeDBInstancesCommand,
  type RDSClient,
  RestoreDBInstanceFromDBSnapshotCommand,
  RestoreDBInstanceToPointInTimeCommand,
} from '@aws-sdk/client-rds';
import {
  type InstanceSettings,
  type RestorationRequest,
  type RestorationState,
  type RestorationStore,
  RestoredTag,
  restorationError,
} from '../../core/restore-point/index.ts';
import { explained, stateOf, unless } from './copy-calls.ts';
import { instanceInput } from './restore-inputs.ts';

const GONE = ['DBInstanceNotFoundFault'];
/** Another invocation was faster. */
const EXISTS = ['DBInstanceAlreadyExistsFault'];

export const restoredTags = ({ target, run }: RestorationRequest): { Key: string; Value: string }[] => [
  { Key: RestoredTag.target, Value: target },
  { Key: RestoredTag.run, Value: run },
];

/** Undefined when there is none. */
export async function findInstance(client: RDSClient, id: string): Promise<DBInstance | undefined> {
  const command = new DescribeDBInstancesCommand({ DBInstanceIdentifier: id });
  return (await unless(GONE, client.send(command)))?.DBInstances?.[0];
}

/** The steps of `lockstep restore plan` for an instance, up to the look at the data: a new one is made of the restore point. */
export class RdsRestoredInstance implements RestorationStore {
  readonly #client: RDSClient;

  constructor(client: RDSClient) {
    this.#client = client;
  }

  ensure(request: RestorationRequest): Promise<RestorationState> {
    const { id, record } = request;
    const restore = async (): Promise<RestorationState> => {
      const instance = (await findInstance(this.#client, id)) ?? (await this.#begin(request));
      const status = instance?.DBInstanceStatus;
      if (!instance || stateOf(status, `The instance ${id}`, restorationError) === 'creating')
        return { kind: 'creating' };
      const { Address: host = '', Port: port = 5432 } = instance.Endpoint ?? {};
      return { kind: 'available', identifier: id, host, port };
    };
    return explained(`The instance ${id} could not be made for ${record.source}`, restore, restorationError);
  }

  /** Undefined while the backups are behind, and when another invocation has begun it. */
  async #begin(request: RestorationRequest): Promise<DBInstance | undefined> {
    const { id, restorePoint, record } = request;
    const settings = { ...instanceInput(record.settings as InstanceSettings), Tags: restoredTags(request) };
    if (record.method === 'snapshot') {
      const input = { DBInstanceIdentifier: id, DBSnapshotIdentifier: restorePoint, ...settings };
      const restoring = this.#client.send(new RestoreDBInstanceFromDBSnapshotCommand(input));
      return (await unless(EXISTS, restoring))?.DBInstance;
    }
    const RestoreTime = new Date(restorePoint);
    const source = await findInstance(this.#client, record.source);
    if ((source?.LatestRestorableTime?.getTime() ?? 0) < RestoreTime.getTime()) return undefined;
    const input = {
      SourceDBInstanceIdentifier: record.source,
      TargetDBInstanceIdentifier: id,
      RestoreTime,
      ...settings,
    };
    const restoring = this.#client.send(new RestoreDBInstanceToPointInTimeCommand(input));
    return (await unless(EXISTS, restoring))?.DBInstance;
  }
}
