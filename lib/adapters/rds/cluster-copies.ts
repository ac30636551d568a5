import {
  CreateDBInstanceCommand,
  type DBCluster,
  type DBInstance,
  DeleteDBClusterCommand,
  DeleteDBInstanceCommand,
  DescribeDBClustersCommand,
  DescribeDBInstancesCommand,
  paginateDescribeDBClusters,
  type RDSClient,
} from '@aws-sdk/client-rds';
import type { CopyRequest, CopyState, CopyStore, StoredCopy } from '../../core/rehearsal/copy-store.ts';
import { copyError } from '../../core/rehearsal/copy-store.ts';
import type { ClusterSettings } from '../../core/restore-point/index.ts';
import { cloneCluster, hasClones } from './clone-cluster.ts';
import { explained, stateOf, storedCopy, tagsOf, unless } from './copy-calls.ts';
import { describeCluster } from './describe-source.ts';

/** Another invocation was faster. */
const EXISTS = ['DBClusterAlreadyExistsFault', 'DBInstanceAlreadyExistsFault'];
const GONE = ['DBClusterNotFoundFault', 'DBInstanceNotFoundFault'];

/**
 * Copies of an Aurora cluster as clones, which share its storage until one of them writes. A clone has no instance until
 * one is made: of the class of the writer.
 */
export class RdsClusterCopies implements CopyStore {
  readonly #client: RDSClient;
  readonly #source: string;

  constructor(client: RDSClient, clusterId: string) {
    this.#client = client;
    this.#source = clusterId;
  }

  ensure(request: CopyRequest): Promise<CopyState> {
    return explained(`The copy ${request.id} of cluster ${this.#source} could not be made`, async () => {
      const cluster = (await this.#cluster(request.id)) ?? (await this.#clone(request));
      if (stateOf(cluster?.Status, `The copy ${request.id}`) === 'creating') return { kind: 'creating' };
      const instance = (await this.#instance(request.id)) ?? (await this.#createInstance(request));
      if (stateOf(instance?.DBInstanceStatus, `The copy ${request.id}`) === 'creating')
        return { kind: 'creating' };
      return { kind: 'ready', host: cluster?.Endpoint ?? '', port: cluster?.Port ?? 5432 };
    });
  }

  list(target: string): Promise<readonly StoredCopy[]> {
    return explained('The copies could not be listed', async () => {
      const all: StoredCopy[] = [];
      for await (const { DBClusters = [] } of paginateDescribeDBClusters({ client: this.#client }, {}))
        all.push(
          ...DBClusters.flatMap(({ DBClusterIdentifier, TagList }) =>
            storedCopy(DBClusterIdentifier, TagList, target),
          ),
        );
      return all;
    });
  }

  async remove(id: string): Promise<void> {
    await explained(`The copy ${id} could not be removed`, async () => {
      await unless(GONE, this.#deleteInstance(id));
      // RDS takes this as soon as the instances are being deleted.
      const command = new DeleteDBClusterCommand({ DBClusterIdentifier: id, SkipFinalSnapshot: true });
      await unless(GONE, this.#client.send(command));
    });
  }

  async #deleteInstance(id: string): Promise<void> {
    const instance = await this.#instance(id);
    if (!instance || instance.DBInstanceStatus === 'deleting') return;
    await this.#client.send(
      new DeleteDBInstanceCommand({ DBInstanceIdentifier: instanceOf(id), SkipFinalSnapshot: true }),
    );
  }

  async #cluster(id: string): Promise<DBCluster | undefined> {
    const command = new DescribeDBClustersCommand({ DBClusterIdentifier: id });
    return (await unless(GONE, this.#client.send(command)))?.DBClusters?.[0];
  }

  async #instance(id: string): Promise<DBInstance | undefined> {
    const command = new DescribeDBInstancesCommand({ DBInstanceIdentifier: instanceOf(id) });
    return (await unless(GONE, this.#client.send(command)))?.DBInstances?.[0];
  }

  async #settings(): Promise<ClusterSettings> {
    const { settings } = await describeCluster(this.#client, this.#source);
    const cluster = settings as ClusterSettings;
    if (hasClones(cluster)) return cluster;
    throw copyError(
      `The cluster ${this.#source} is a Multi-AZ DB cluster, of which there are no clones.`,
      "Leave out the construct's property rehearsal, or give a rehearsal in the run's input.",
    );
  }

  async #clone(request: CopyRequest): Promise<DBCluster | undefined> {
    const clone = { id: request.id, tags: tagsOf(request), settings: await this.#settings() };
    return unless(EXISTS, cloneCluster(this.#client, this.#source, clone));
  }

  async #createInstance(request: CopyRequest): Promise<DBInstance | undefined> {
    const { engine, members } = await this.#settings();
    const [writer] = members;
    const creating = this.#client.send(
      new CreateDBInstanceCommand({
        DBInstanceIdentifier: instanceOf(request.id),
        DBClusterIdentifier: request.id,
        DBInstanceClass: writer?.instanceClass,
        Engine: engine,
        PubliclyAccessible: false,
        Tags: tagsOf(request),
        ...(writer?.parameterGroup ? { DBParameterGroupName: writer.parameterGroup } : {}),
      }),
    );
    return (await unless(EXISTS, creating))?.DBInstance;
  }
}

const instanceOf = (id: string): string => `${id}-1`;
