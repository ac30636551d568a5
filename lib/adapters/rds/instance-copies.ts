import {
  type DBInstance,
  DeleteDBInstanceCommand,
  DescribeDBInstancesCommand,
  paginateDescribeDBInstances,
  type RDSClient,
  RestoreDBInstanceToPointInTimeCommand,
} from '@aws-sdk/client-rds';
import type { CopyRequest, CopyState, CopyStore, StoredCopy } from '../../core/rehearsal/copy-store.ts';
import type { InstanceSettings } from '../../core/restore-point/index.ts';
import { explained, stateOf, storedCopy, tagsOf, unless } from './copy-calls.ts';
import { describeInstance } from './describe-source.ts';
import { instanceInput } from './restore-inputs.ts';

const GONE = ['DBInstanceNotFoundFault'];
/** Another invocation was faster. */
const EXISTS = ['DBInstanceAlreadyExistsFault'];

/**
 * Copies of an instance from its continuous backups, which are behind by up to five minutes: the copy is begun when they
 * have reached the time at which the run began.
 */
export class RdsInstanceCopies implements CopyStore {
  readonly #client: RDSClient;
  readonly #source: string;

  constructor(client: RDSClient, instanceId: string) {
    this.#client = client;
    this.#source = instanceId;
  }

  ensure(request: CopyRequest): Promise<CopyState> {
    return explained(`The copy ${request.id} of instance ${this.#source} could not be made`, async () => {
      const copy = (await this.#instance(request.id)) ?? (await this.#restore(request));
      if (!copy || stateOf(copy.DBInstanceStatus, `The copy ${request.id}`) === 'creating')
        return { kind: 'creating' };
      const { Address = '', Port = 5432 } = copy.Endpoint ?? {};
      return { kind: 'ready', host: Address, port: Port };
    });
  }

  list(target: string): Promise<readonly StoredCopy[]> {
    return explained('The copies could not be listed', async () => {
      const all: StoredCopy[] = [];
      for await (const { DBInstances = [] } of paginateDescribeDBInstances({ client: this.#client }, {}))
        all.push(
          ...DBInstances.flatMap(({ DBInstanceIdentifier, TagList }) =>
            storedCopy(DBInstanceIdentifier, TagList, target),
          ),
        );
      return all;
    });
  }

  async remove(id: string): Promise<void> {
    await explained(`The copy ${id} could not be removed`, async () => {
      const instance = await this.#instance(id);
      if (!instance || instance.DBInstanceStatus === 'deleting') return;
      const input = { DBInstanceIdentifier: id, SkipFinalSnapshot: true, DeleteAutomatedBackups: true };
      await unless(GONE, this.#client.send(new DeleteDBInstanceCommand(input)));
    });
  }

  async #instance(id: string): Promise<DBInstance | undefined> {
    const command = new DescribeDBInstancesCommand({ DBInstanceIdentifier: id });
    return (await unless(GONE, this.#client.send(command)))?.DBInstances?.[0];
  }

  /** Undefined while the backups are behind. */
  async #restore(request: CopyRequest): Promise<DBInstance | undefined> {
    const source = await this.#instance(this.#source);
    if ((source?.LatestRestorableTime?.getTime() ?? 0) < request.sinceMs) return undefined;
    const { settings } = await describeInstance(this.#client, this.#source);
    const restoring = this.#client.send(
      new RestoreDBInstanceToPointInTimeCommand({
        SourceDBInstanceIdentifier: this.#source,
        TargetDBInstanceIdentifier: request.id,
        UseLatestRestorableTime: true,
        Tags: tagsOf(request),
        ...instanceInput(settings as InstanceSettings),
        DeletionProtection: false,
        MultiAZ: false,
        PubliclyAccessible: false,
      }),
    );
    return (await unless(EXISTS, restoring))?.DBInstance;
  }
}
