/**
 * How JavaScript is bundled, in one place: the constructs bundle the functions at synth in a checkout, and
 * bin/build.ts bundles everything for the package; both must give the same code.
 *
 * Invariants: a function's bundle needs nothing beside the runtime, the AWS SDK included (pinned, and faster to
 * import than the runtime's own); names of errors survive because they are data (lib/core/errors), not class names.
 */
import type { BuildOptions } from 'esbuild';

/** Bundled CommonJS packages still call `require` for Node's own modules, which ESM does not have. */
const REQUIRE = [
  "import { createRequire as lockstepCreateRequire } from 'node:module';",
  'const require = lockstepCreateRequire(import.meta.url);',
].join('');

/** With it libpg-query finds its WebAssembly. */
const DIRNAME = [
  "import { fileURLToPath as lockstepFilePath } from 'node:url';",
  "const __dirname = lockstepFilePath(new URL('.', import.meta.url));",
].join('');

const shared = {
  bundle: true,
  platform: 'node',
  format: 'esm',
  mainFields: ['module', 'main'],
  minify: true,
  // The licences of what is bundled are in one file beside the bundles.
  legalComments: 'none',
  metafile: true,
  logLevel: 'silent',
} as const satisfies BuildOptions;
type BuildWithMetafile = BuildOptions & Pick<typeof shared, 'metafile'>;

/** Asked for by `pg` inside a try; nobody installs it. */
const NEVER_INSTALLED = ['pg-native'];

/**
 * Credentials from profiles, SSO or a web identity: the AWS SDK imports these only where the environment has no
 * credentials, and Lambda's always has. They are 110 KB of each function.
 */
const NEVER_USED_IN_LAMBDA = [
  '@aws-sdk/credential-provider-ini',
  '@aws-sdk/credential-provider-login',
  '@aws-sdk/credential-provider-process',
  '@aws-sdk/credential-provider-sso',
  '@aws-sdk/credential-provider-web-identity',
  '@aws-sdk/token-providers',
];

/** `pg` asks for it when it has no password; the functions always have one, from the secret or as a token. */
const NO_PASSWORD_FILE = ['pgpass'];

export const functionBuild = (entry: string, outfile: string): BuildWithMetafile => ({
  ...taskBuild(entry, outfile),
  external: [...NEVER_INSTALLED, ...NEVER_USED_IN_LAMBDA, ...NO_PASSWORD_FILE],
});

/** For a container, where the AWS SDK tries one source of credentials after the other until it comes to the task's. */
export const taskBuild = (entry: string, outfile: string): BuildWithMetafile => ({
  ...shared,
  entryPoints: [entry],
  outfile,
  target: 'node24',
  external: NEVER_INSTALLED,
  banner: { js: REQUIRE },
});

/** Beside it lies what chunks read when they run. */
export const CHUNKS = 'chunks';

export interface PackageEntries {
  /** Source files by the name that they get in `outdir`. What several need, or one only sometimes, becomes a chunk. */
  readonly entries: Readonly<Record<string, string>>;
  readonly outdir: string;
  readonly version: string;
  /** Packages that the user has to install. */
  readonly external?: readonly string[];
}

/** For what the package's users run with their own Node: 20 or newer. */
export const packageBuild = ({
  entries,
  outdir,
  version,
  external = [],
}: PackageEntries): BuildWithMetafile => ({
  ...shared,
  entryPoints: { ...entries },
  outdir,
  splitting: true,
  chunkNames: `${CHUNKS}/[name]-[hash]`,
  target: 'node20',
  external: [...NEVER_INSTALLED, ...external],
  define: { LOCKSTEP_VERSION: JSON.stringify(version) },
  banner: { js: REQUIRE + DIRNAME },
});
