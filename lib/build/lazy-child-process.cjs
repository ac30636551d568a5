/** In place of node:child_process, which commander loads for commands that are programs: half a millisecond of each start. */
// biome-ignore-start lint/style/useNodejsImportProtocol: the other name leads here
for (const name of ['exec', 'execFile', 'execFileSync', 'execSync', 'fork', 'spawn', 'spawnSync']) {
  Object.defineProperty(exports, name, { enumerable: true, get: () => require('child_process')[name] });
}
// biome-ignore-end lint/style/useNodejsImportProtocol: the other name leads here
