#!/usr/bin/env node
import module from 'node:module';
import { setFlagsFromString } from 'node:v8';

// The parser is WebAssembly that works for a moment: to optimise it meanwhile costs more than it saves, and hundreds of MB.
for (const flag of ['--liftoff-only', '--no-wasm-tier-up', '--no-wasm-dynamic-tiering'])
  setFlagsFromString(flag);
// Before anything else is loaded; Node 20 does not have it. A cache that cannot be written is no problem.
module.enableCompileCache?.();
const { runCli } = await import('../lib/cli/index.ts');
process.exitCode = await runCli(process.argv.slice(2));
