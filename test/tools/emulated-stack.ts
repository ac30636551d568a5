/** A coordinator's stack as an app synthesizes it, functions bundled, made ready for an emulator that runs on this machine. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { App, DefaultStackSynthesizer, type IStackSynthesizer, SecretValue, Stack } from 'aws-cdk-lib';
import { Vpc } from 'aws-cdk-lib/aws-ec2';
import { type ISecret, Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { MigrationCoordinator } from '../../lib/index.ts';
import type { MiniStack } from './ministack.ts';

export interface StackRequest {
  readonly name: string;
  readonly databaseUrl: string;
  readonly migrations: string;
  /** For the cloud assembly. */
  readonly folder: string;
}

const BUCKET = 'assets';

/** Publishes the assets and deploys; gives the ARN of the state machine, and the types that had to be left out. */
export async function deployStack(
  emulator: MiniStack,
  request: StackRequest,
  unknownTypes: readonly string[],
) {
  const { name, folder } = request;
  const assembly = synthesize(request);
  const manifest = JSON.parse(readFileSync(join(folder, `${name}.assets.json`), 'utf8'));
  const files = Object.values(manifest.files) as {
    source: { path: string; packaging: string };
    destinations: object;
  }[];
  let layer = '';
  for (const { source, destinations } of files) {
    const { objectKey } = Object.values(destinations)[0] as { objectKey: string };
    const path = join(folder, source.path);
    if (source.packaging !== 'zip') continue;
    const zip = `${path}.zip`;
    execFileSync('python3', ['-c', ZIP, path, zip]);
    await emulator.putObject(BUCKET, objectKey, readFileSync(zip));
    if (execFileSync('python3', ['-m', 'zipfile', '-l', zip], { encoding: 'utf8' }).includes('bundle.json'))
      layer = path;
  }
  const left = Object.entries(assembly.Resources as Record<string, { Type: string }>).filter(([, { Type }]) =>
    unknownTypes.includes(Type),
  );
  for (const [id] of left) delete assembly.Resources[id];
  const template = JSON.stringify(assembly)
    // Functions are processes of this machine, and layers are not unpacked where Lambda unpacks them.
    .replaceAll('/opt/lockstep', join(layer, 'lockstep'))
    .replaceAll('"LOCKSTEP_DATABASE_TLS":"verify"', '"LOCKSTEP_DATABASE_TLS":"disable"');
  await emulator.putObject(BUCKET, `${name}.json`, template);
  await emulator.deploy(name, `${emulator.endpoint}/${BUCKET}/${name}.json`);
  const [stateMachineArn = ''] = await emulator.resources(name, 'AWS::StepFunctions::StateMachine');
  return { stateMachineArn, leftOut: [...new Set(left.map(([, { Type }]) => Type))] };
}

export const createAssetBucket = (emulator: MiniStack): Promise<void> => emulator.createBucket(BUCKET);

const ZIP = `import os, sys, zipfile
source, target = sys.argv[1:]
with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as z:
    for folder, _, names in os.walk(source):
        for name in names:
            path = os.path.join(folder, name)
            z.write(path, os.path.relpath(path, source))
`;

function synthesize({ name, databaseUrl, migrations, folder }: StackRequest) {
  const url = new URL(databaseUrl);
  const app = new App({
    outdir: folder,
    analyticsReporting: false,
    context: { 'aws:cdk:path-metadata': false },
  });
  const synthesizer = new DefaultStackSynthesizer({
    fileAssetsBucketName: BUCKET,
    generateBootstrapVersionRule: false,
  });
  // CDK's classes do not fit its own interfaces under exactOptionalPropertyTypes.
  const stack = new Stack(app, name, { synthesizer: synthesizer as IStackSynthesizer });
  const login = new Secret(stack, 'Login', {
    secretObjectValue: {
      username: SecretValue.unsafePlainText(decodeURIComponent(url.username)),
      password: SecretValue.unsafePlainText(decodeURIComponent(url.password)),
    },
  });
  new MigrationCoordinator(stack, 'Coordinator', {
    database: { host: url.hostname, port: Number(url.port) },
    databaseName: url.pathname.slice(1),
    login: { secret: login as ISecret },
    vpc: Vpc.fromVpcAttributes(stack, 'Vpc', {
      vpcId: 'vpc-00000000',
      availabilityZones: ['us-east-1a'],
      privateSubnetIds: ['subnet-00000000'],
    }),
    migrations,
    target: name,
  });
  return app.synth().getStackByName(name).template;
}
