#!/usr/bin/env node
import module from 'node:module';

// Before anything else is loaded; Node 20 does not have it. A cache that cannot be written is no problem.
module.enableCompileCache?.();
const { runCli } = await import('../lib/cli/index.ts');
await runCli(process.argv.slice(2));
