/**
 * The functions' code: as it was built for the package, or bundled at synth in a checkout. Bundling goes through
 * CDK's own hook, so that an app can leave it out (`aws:cdk:bundling-stacks`).
 */
import { createRequire } from 'node:module';
import { AssetHashType, DockerImage } from 'aws-cdk-lib';
import { Code } from 'aws-cdk-lib/aws-lambda';
import type { AnyFunctionName } from '../core/workflow/state-name.ts';
import { bundlerFile, functionFile, functionsDirectory } from './package-files.ts';

export const HANDLER = 'index.handler';

export function functionCode(name: AnyFunctionName): Code {
  const file = functionFile(name);
  if (file.kind === 'bundled') return Code.fromAsset(file.directory);
  return codeWrittenBy(functionsDirectory, `function ${name}`, (directory) => {
    // Loaded here and by name: the package's users have neither sources nor esbuild.
    const bundler: typeof import('../build/bundle-function.ts') = createRequire(import.meta.url)(bundlerFile);
    bundler.bundleFunction(file.file, directory);
  });
}

/**
 * An asset that `write` puts into a directory at synth; its hash is that of what was written.
 * @param what is written; CDK writes assets of one source once if their options are equal, and it cannot see
 * that one `write` is not another.
 */
export function codeWrittenBy(source: string, what: string, write: (directory: string) => void): Code {
  return Code.fromAsset(source, {
    assetHashType: AssetHashType.OUTPUT,
    bundling: {
      // Never run, but CDK wants an image: `write` does it all or throws.
      image: DockerImage.fromRegistry('scratch'),
      command: [what],
      local: {
        tryBundle(directory) {
          write(directory);
          return true;
        },
      },
    },
  });
}
