/**
 * What it takes to make a database like the one that a restore point is of: as that one was when the restore point was
 * taken, because later it may be changed or gone. The ledger keeps it with the run.
 */
import * as z from 'zod';
import { RESTORE_POINT_METHODS } from './policy.ts';

const common = {
  subnetGroup: z.string().nullable(),
  securityGroups: z.array(z.string()),
  parameterGroup: z.string().nullable(),
  port: z.number().int().nullable(),
  iamLogin: z.boolean(),
  deletionProtection: z.boolean(),
};

const instanceSettings = z.object({
  ...common,
  type: z.literal('instance'),
  instanceClass: z.string(),
  multiAz: z.boolean(),
  publiclyAccessible: z.boolean(),
  storageType: z.string().nullable(),
});
export type InstanceSettings = z.infer<typeof instanceSettings>;

const clusterSettings = z.object({
  ...common,
  type: z.literal('cluster'),
  engine: z.string(),
  engineVersion: z.string().nullable(),
  /** Aurora capacity units of Serverless v2; null without. */
  capacity: z.object({ min: z.number(), max: z.number() }).nullable(),
  /** Of a Multi-AZ DB cluster, which makes its members itself; null for Aurora. */
  instanceClass: z.string().nullable(),
  /** Of Aurora, the writer first. A restored cluster has none until they are made. */
  members: z.array(
    z.object({
      instanceClass: z.string(),
      parameterGroup: z.string().nullable(),
      publiclyAccessible: z.boolean(),
    }),
  ),
});
export type ClusterSettings = z.infer<typeof clusterSettings>;

export const restoreRecordSchema = z.object({
  /** A snapshot, a clone, or a time to which the service's continuous backups reach. */
  method: z.enum(RESTORE_POINT_METHODS),
  /** Identifier of the instance or cluster. */
  source: z.string(),
  /** UTC, whole seconds, as RDS takes a time to restore to: `2026-11-21T15:00:00Z`. Of a snapshot or a clone, when it was asked for. */
  at: z.string(),
  settings: z.discriminatedUnion('type', [instanceSettings, clusterSettings]),
});
export type RestoreRecord = z.infer<typeof restoreRecordSchema>;
export type SourceSettings = RestoreRecord['settings'];

/** The database as the service describes it now. */
export interface SourceDescription {
  /** The service's own word: available, backing-up … */
  readonly state: string;
  /** Whether its continuous backups can bring it back to any time of theirs. */
  readonly hasContinuousBackups: boolean;
  readonly settings: SourceSettings;
}

/** `restorePoint`: id of the snapshot or the clone, or the time. */
export const restorePointInWords = (
  restorePoint: string,
  { method, source, at, settings: { type } }: RestoreRecord,
): string =>
  method === 'point-in-time'
    ? `${type} ${source} as it was at ${restorePoint}`
    : `the ${method} ${restorePoint} of ${type} ${source}, asked for at ${at}`;
