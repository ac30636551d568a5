/** `bundle --to`: the compiled migrations into S3, for runs on AWS. */
import { awsSettings, KmsSignatures, S3BundleObjects } from '../../adapters/aws-requests/index.ts';
import { LockstepError, NOTHING_CHANGED } from '../../core/errors/index.ts';
import {
  type Destination,
  publishBundle,
  readDestination,
  type SigningAlgorithm,
  urlOf,
} from '../../core/published/index.ts';
import type { CommandResult } from './context.ts';

export interface PublishOptions {
  readonly to?: string;
  readonly signingKey?: string;
  readonly signingAlgorithm?: SigningAlgorithm;
}

interface Described {
  /** `2 migrations`. */
  readonly what: string;
  /** Of the migrations, not of the file. */
  readonly digest: string;
}

type Publish = (text: string, described: Described) => Promise<CommandResult>;

/** Throws LS102 when the options do not fit together, or no Region is set. */
export function publishing(options: PublishOptions, env: NodeJS.ProcessEnv): Publish {
  const destination = destinationOf(options);
  const aws = awsSettings(env);
  const { signingKey, signingAlgorithm } = options;
  const objects = new S3BundleObjects(aws);
  const signatures =
    signingKey === undefined ? undefined : new KmsSignatures(aws, signingKey, signingAlgorithm);
  return async (text, { what, digest }) => {
    const bundle = await publishBundle(text, destination, { objects, signatures });
    const { versionId, sha256, signature } = bundle;
    const signed = signature ? `signed (${signature.algorithm})` : 'not signed';
    return {
      text: [
        `Published ${what} as ${urlOf(bundle)}, version ${versionId}: SHA-256 ${sha256}, ${signed}, digest ${digest}.`,
        'The input of a run that applies it:',
        JSON.stringify({ bundle }),
      ].join('\n'),
      json: { bundle, digest },
    };
  };
}

function destinationOf({ to, signingKey, signingAlgorithm }: PublishOptions): Destination {
  const destination = to === undefined ? undefined : readDestination(to);
  const problems = [
    ...(to === undefined ? ['--signing-key and --signing-algorithm are for --to'] : []),
    ...(to !== undefined && !destination ? [`--to ${to} is no s3://BUCKET/FOLDER/ or s3://BUCKET/KEY`] : []),
    ...(signingAlgorithm !== undefined && signingKey === undefined
      ? ['--signing-algorithm is for --signing-key']
      : []),
  ];
  if (destination && problems.length === 0) return destination;
  throw new LockstepError('LS102', {
    what: `The options do not fit together: ${problems.join('; ')}.`,
    state: NOTHING_CHANGED,
    remedy: 'Look at `lockstep bundle --help`.',
  });
}
