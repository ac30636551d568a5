/**
 * How JavaScript is bundled, in one place: the constructs bundle the functions at synth in a checkout, and
 * bin/build.ts bundles everything for the package; both must give the same code.
 *
 * Invariants: a function's bundle needs nothing beside the runtime, the AWS SDK included (pinned, and faster to
 * import than the runtime's own); names of errors survive because they are data (lib/core/errors), not class names.
 */
import { fileURLToPath } from 'node:url';
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
const forNode24 = { ...shared, target: 'node24', banner: { js: REQUIRE } } as const satisfies BuildOptions;
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

/**
 * What would use `pg-native`: 9 KB that `pg` loads when somebody asks for `pg.native`. The star makes esbuild compare it
 * with what is written there, not with a file's place.
 */
const NO_NATIVE_CLIENT = ['./nativ*'];

const inPlace = (file: string) => fileURLToPath(new URL(file, import.meta.url));

/** The tracer compares two versions, with a package of 29 KB. */
const SEMVER = inPlace('semver.cjs');

/** Modules of Node's that packages load and that most starts do not use, a millisecond together. */
const LAZILY = {
  'node:child_process': inPlace('lazy-child-process.cjs'),
  dns: inPlace('lazy-dns.cjs'),
};

/**
 * `index.mjs`, and files beside it for what it imports only sometimes: such as reading a published bundle, which most
 * runs never do. A function's start loads nothing of that.
 */
export const functionBuild = (entry: string, outdir: string): BuildWithMetafile => ({
  ...forNode24,
  entryPoints: { index: entry },
  outdir,
  outExtension: { '.js': '.mjs' },
  splitting: true,
  // Beside index.mjs: what is read from the function's directory is found from each of them.
  chunkNames: '[name]-[hash]',
  alias: { semver: SEMVER },
  external: [...NEVER_INSTALLED, ...NEVER_USED_IN_LAMBDA, ...NO_PASSWORD_FILE, ...NO_NATIVE_CLIENT],
});

/** For a container, where the AWS SDK tries one source of credentials after the other until it comes to the task's. */
export const taskBuild = (entry: string, outfile: string): BuildWithMetafile => ({
  ...forNode24,
  entryPoints: [entry],
  outfile,
  external: NEVER_INSTALLED,
});

/** Where pieces of what apps import are, and what the command and they read when they run. */
export const CHUNKS = 'chunks';

/** Lockstep, as the user's own Node runs it: 20 or newer. */
const published = (version: string) => ({
  target: 'node20',
  define: { LOCKSTEP_VERSION: JSON.stringify(version) },
});

export interface Published {
  readonly outdir: string;
  readonly version: string;
}

/** What several need, or one only sometimes, becomes a chunk. `import.meta.url` is a variable that each has to be given. */
export const publishedPieces = (
  entryPoints: Readonly<Record<string, string>>,
  { outdir, version }: Published,
) => {
  const { target, define } = published(version);
  return {
    ...shared,
    entryPoints: { ...entryPoints },
    outdir,
    write: false,
    splitting: true,
    chunkNames: '[name]-[hash]',
    target,
    define: { ...define, 'import.meta.url': 'lockstepUrl' },
    alias: LAZILY,
    external: NEVER_INSTALLED,
  } as const satisfies BuildWithMetafile;
};

export interface PackageEntries extends Published {
  /** Source files by the name that they get in `outdir`. What several need, or one only sometimes, becomes a chunk. */
  readonly entries: Readonly<Record<string, string>>;
  /** Packages that the user has to install. */
  readonly external?: readonly string[];
}

/** What apps import. */
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
  ...published(version),
  external: [...NEVER_INSTALLED, ...external],
  banner: { js: REQUIRE + DIRNAME },
});
