/** Variables that a platform sets in each of its instances, by the platforms' own documentation. */
const SET_BY: Readonly<Record<string, string>> = {
  KUBERNETES_SERVICE_HOST: 'Kubernetes',
  ECS_CONTAINER_METADATA_URI_V4: 'Amazon ECS',
  AWS_LAMBDA_FUNCTION_NAME: 'AWS Lambda',
  K_SERVICE: 'Cloud Run',
  CONTAINER_APP_NAME: 'Azure Container Apps',
  WEBSITE_INSTANCE_ID: 'Azure App Service',
  DYNO: 'Heroku',
  FLY_MACHINE_ID: 'Fly.io',
  NOMAD_ALLOC_ID: 'Nomad',
  RENDER: 'Render',
};

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The platform, by name, if it is one that runs as many instances of an app as it is told to. Undefined means that it is
 * not known: on a machine of one's own, in a container that somebody started.
 *
 * @param isClusterWorker whether this is one of several processes of Node's `cluster`
 */
export function clusteredDeployment(env: Environment, isClusterWorker: boolean): string | undefined {
  const [, platform] = Object.entries(SET_BY).find(([name]) => env[name]) ?? [];
  return platform ?? (isClusterWorker ? "Node's cluster" : undefined);
}
