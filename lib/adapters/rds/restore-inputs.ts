/** What a restored instance or cluster is given of the settings that the old one had: as `lockstep restore plan` prints it. */
import type { ClusterSettings, InstanceSettings } from '../../core/restore-point/index.ts';

export const instanceInput = (settings: InstanceSettings) => ({
  ...common(settings),
  DBInstanceClass: settings.instanceClass,
  MultiAZ: settings.multiAz,
  PubliclyAccessible: settings.publiclyAccessible,
  ...given('DBParameterGroupName', settings.parameterGroup),
  ...given('StorageType', settings.storageType),
});

export const clusterInput = (settings: ClusterSettings) => ({
  ...common(settings),
  ...given('DBClusterInstanceClass', settings.instanceClass),
  ...given('DBClusterParameterGroupName', settings.parameterGroup),
  ...(settings.capacity
    ? {
        ServerlessV2ScalingConfiguration: {
          MinCapacity: settings.capacity.min,
          MaxCapacity: settings.capacity.max,
        },
      }
    : {}),
});

export const memberInput = (
  { engine }: ClusterSettings,
  { instanceClass, parameterGroup, publiclyAccessible }: ClusterSettings['members'][number],
) => ({
  Engine: engine,
  DBInstanceClass: instanceClass,
  PubliclyAccessible: publiclyAccessible,
  ...given('DBParameterGroupName', parameterGroup),
});

const common = (settings: InstanceSettings | ClusterSettings) => ({
  VpcSecurityGroupIds: [...settings.securityGroups],
  EnableIAMDatabaseAuthentication: settings.iamLogin,
  DeletionProtection: settings.deletionProtection,
  ...given('DBSubnetGroupName', settings.subnetGroup),
  ...given('Port', settings.port),
});

const given = <Name extends string, Value>(name: Name, value: Value | null) =>
  (value === null ? {} : { [name]: value }) as { readonly [N in Name]?: Value };
