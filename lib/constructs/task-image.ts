/** The image of the task: the package's Dockerfile, with the migrations beside what it copies. */
import { copyFileSync, cpSync, existsSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { AssetHashType, AssetStaging, DockerImage } from 'aws-cdk-lib';
import { Platform } from 'aws-cdk-lib/aws-ecr-assets';
import { ContainerImage } from 'aws-cdk-lib/aws-ecs';
import type { Construct } from 'constructs';
import { IMAGE_BUNDLE, TASK_PROGRAM } from '../core/workflow/task-container.ts';
import { writeBundle } from './bundle-layer.ts';
import { IMAGE_FILES, packageDirectory } from './package-files.ts';
import { refuse } from './refuse.ts';

/** CDK builds it when the app is deployed: synthesis needs no Docker. */
export function taskImage(scope: Construct, migrations: string): ContainerImage {
  const context = new AssetStaging(scope, 'ImageContext', {
    sourcePath: packageDirectory,
    // Looked at only when an app leaves bundling out.
    exclude: ['*', '!Dockerfile'],
    assetHashType: AssetHashType.OUTPUT,
    bundling: {
      // Never run, but CDK wants an image: see function-code.ts.
      image: DockerImage.fromRegistry('scratch'),
      command: ['the context of the image', migrations],
      local: {
        tryBundle(directory) {
          writeContext(scope, migrations, directory);
          return true;
        },
      },
    },
  });
  return ContainerImage.fromAsset(context.absoluteStagedPath, { platform: Platform.LINUX_AMD64 });
}

function writeContext(scope: Construct, migrations: string, directory: string): void {
  if (!existsSync(join(packageDirectory, TASK_PROGRAM)))
    refuse(scope, 'The image for long work is made of dist/, which is not there: run `npm run build` first.');
  for (const file of IMAGE_FILES) {
    const copy = join(directory, file);
    mkdirSync(dirname(copy), { recursive: true });
    cpSync(join(packageDirectory, file), copy, { recursive: true });
  }
  copyFileSync(join(packageDirectory, 'Dockerfile'), join(directory, 'Dockerfile'));
  writeBundle(scope, migrations, join(directory, IMAGE_BUNDLE));
}
