/**
 * How a person brings a restore point back with the AWS command line. RDS never restores in place: a new instance or
 * cluster comes up beside the old one, is looked at, and then takes over its name, so that the app needs no new
 * endpoint. Nothing here is run by the program.
 * https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_RestoreFromSnapshot.html
 * https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_RenameInstance.html
 */
import type { ClusterSettings, InstanceSettings, RestoreRecord } from './restore-record.ts';

export interface RestoreStep {
  readonly what: string;
  /** Arguments, the program first; empty for what is no command. */
  readonly command: readonly string[];
  /** Until it succeeds, every 15 s. */
  readonly repeat?: true;
}

/** RDS allows 63 characters. */
const LONGEST_NAME = 63;

/** Another name than `name`; RDS takes no two hyphens beside each other. */
function suffixed(name: string, suffix: string): string {
  const stem = name.slice(0, LONGEST_NAME - suffix.length).replace(/-+$/, '');
  const made = `${stem}${suffix}`;
  return made === name ? suffixed(name, `${suffix}-2`) : made;
}

/** `id`: of the snapshot or the clone, or the time to go back to. */
export function restoreSteps(id: string, record: RestoreRecord): readonly RestoreStep[] {
  const restored = record.method === 'clone' ? id : restoredName(record);
  const { settings } = record;
  const made =
    settings.type === 'instance' ? instanceSteps(id, record, settings) : clusterSteps(id, record, settings);
  return [
    ...(record.method === 'point-in-time' ? [isRestorable(id, record)] : []),
    ...made(restored),
    {
      what: `Look at the data in ${restored}, by the endpoint that it has for now. Its ledger is of that time, too: \`lockstep status\` shows what was applied then.`,
      command: [],
    },
    {
      what: 'Stop everything that writes to the old one: what is written from now on is lost with it.',
      command: [],
    },
    ...renameSteps(record, restored),
    {
      what: `Deploy the version of the app from before this run, and start the run again when its cause is mended. Delete ${suffixed(record.source, '-before')} when nobody needs it any more; until then it costs as much as before.`,
      command: [],
    },
  ];
}

const restoredName = ({ source }: RestoreRecord): string => suffixed(source, '-restored');

const flag = (name: string, value: boolean): string => (value ? `--${name}` : `--no-${name}`);
const option = (name: string, ...values: readonly (string | number | null)[]): string[] => {
  const given = values.filter((value) => value !== null);
  return given.length === 0 ? [] : [`--${name}`, ...given.map(String)];
};

const rds = (action: string, ...args: readonly string[]): string[] => ['aws', 'rds', action, ...args];

type Made = (restored: string) => readonly RestoreStep[];

const instanceSteps =
  (id: string, { method, source }: RestoreRecord, settings: InstanceSettings): Made =>
  (restored) => [
    {
      what: `Make a new instance ${method === 'snapshot' ? 'from the snapshot' : `as it was at ${id}`}, with the settings that the old one had.`,
      command: [
        ...(method === 'snapshot'
          ? rds(
              'restore-db-instance-from-db-snapshot',
              '--db-instance-identifier',
              restored,
              '--db-snapshot-identifier',
              id,
            )
          : rds(
              'restore-db-instance-to-point-in-time',
              '--source-db-instance-identifier',
              source,
              '--target-db-instance-identifier',
              restored,
              '--restore-time',
              id,
            )),
        ...option('db-instance-class', settings.instanceClass),
        ...commonOptions(settings),
        ...option('db-parameter-group-name', settings.parameterGroup),
        ...option('storage-type', settings.storageType),
        flag('multi-az', settings.multiAz),
        flag('publicly-accessible', settings.publiclyAccessible),
      ],
    },
    available('instance', restored),
  ];

const clusterSteps =
  (id: string, record: RestoreRecord, settings: ClusterSettings): Made =>
  (restored) => [
    record.method === 'clone' ? protectedClone(id) : newCluster(id, record, settings, restored),
    available('cluster', restored),
    ...memberSteps(settings, restored, restoredName(record)),
  ];

/** It is a cluster already. What nobody has protected, a later run may delete. */
const protectedClone = (id: string): RestoreStep => ({
  what: `The clone ${id} is a cluster already. Protect it: from then on no run deletes it to make room for newer ones.`,
  command: rds(
    'modify-db-cluster',
    '--db-cluster-identifier',
    id,
    '--deletion-protection',
    '--apply-immediately',
  ),
});

const newCluster = (
  id: string,
  { method, source }: RestoreRecord,
  settings: ClusterSettings,
  restored: string,
): RestoreStep => ({
  what: `Make a new cluster ${method === 'snapshot' ? 'from the snapshot' : `as it was at ${id}`}, with the settings that the old one had.`,
  command: [
    ...(method === 'snapshot'
      ? rds(
          'restore-db-cluster-from-snapshot',
          '--db-cluster-identifier',
          restored,
          '--snapshot-identifier',
          id,
          '--engine',
          settings.engine,
          ...option('engine-version', settings.engineVersion),
        )
      : rds(
          'restore-db-cluster-to-point-in-time',
          '--source-db-cluster-identifier',
          source,
          '--db-cluster-identifier',
          restored,
          '--restore-to-time',
          id,
        )),
    ...option('db-cluster-instance-class', settings.instanceClass),
    ...commonOptions(settings),
    ...option('db-cluster-parameter-group-name', settings.parameterGroup),
    ...(settings.capacity
      ? option(
          'serverless-v2-scaling-configuration',
          `MinCapacity=${settings.capacity.min},MaxCapacity=${settings.capacity.max}`,
        )
      : []),
  ],
});

const memberSteps = (settings: ClusterSettings, cluster: string, names: string): readonly RestoreStep[] =>
  settings.members.flatMap((member, at): RestoreStep[] => {
    const name = suffixed(names, `-${at + 1}`);
    return [
      {
        what:
          at === 0
            ? 'Make its writer: it has no instances until they are made.'
            : 'Make a reader, as the old one has.',
        command: rds(
          'create-db-instance',
          ...option('db-cluster-identifier', cluster),
          ...option('db-instance-identifier', name),
          ...option('engine', settings.engine),
          ...option('db-instance-class', member.instanceClass),
          ...option('db-parameter-group-name', member.parameterGroup),
          flag('publicly-accessible', member.publiclyAccessible),
        ),
      },
      available('instance', name),
    ];
  });

const commonOptions = (settings: InstanceSettings | ClusterSettings): string[] => [
  ...option('db-subnet-group-name', settings.subnetGroup),
  ...option('vpc-security-group-ids', ...settings.securityGroups),
  ...option('port', settings.port),
  flag('enable-iam-database-authentication', settings.iamLogin),
  flag('deletion-protection', settings.deletionProtection),
];

type Kind = RestoreRecord['settings']['type'];

const describe = (type: Kind, name: string): string[] =>
  rds(`describe-db-${type}s`, `--db-${type}-identifier`, name);

const isRestorable = (time: string, { source, settings: { type } }: RestoreRecord): RestoreStep => ({
  what: `Look how far the backups reach, which trail by up to five minutes. Go on when that is later than ${time}.`,
  command: [
    ...describe(type, source),
    '--query',
    `DB${type === 'instance' ? 'Instances' : 'Clusters'}[0].LatestRestorableTime`,
    '--output',
    'text',
  ],
});

const available = (type: Kind, name: string): RestoreStep => ({
  what: `Wait until ${name} is available: minutes, or hours for a large database.`,
  command: rds('wait', `db-${type}-available`, `--db-${type}-identifier`, name),
});

/** A renaming is answered before it is done, and the command that waits fails at once for a name that is not there yet. */
const renamed = (type: Kind, name: string): readonly RestoreStep[] => [
  { what: `Wait until it has the name ${name}: minutes.`, command: describe(type, name), repeat: true },
  available(type, name),
];

function renameSteps(
  { source, settings: { type } }: RestoreRecord,
  restored: string,
): readonly RestoreStep[] {
  const rename = (from: string, to: string) =>
    rds(
      `modify-db-${type}`,
      `--db-${type}-identifier`,
      from,
      `--new-db-${type}-identifier`,
      to,
      '--apply-immediately',
    );
  const old = suffixed(source, '-before');
  return [
    { what: 'Move the old one out of the way.', command: rename(source, old) },
    ...renamed(type, old),
    {
      what: `Give the new one its name, and with it the endpoint that the app knows.`,
      command: rename(restored, source),
    },
    ...renamed(type, source),
  ];
}
