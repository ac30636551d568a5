/** Express, Fastify and Nest themselves, from npm: `npm run test:frameworks`. It says so when they cannot be had. */
import { execFile } from 'node:child_process';
import { cp, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { place } from '../examples/container.ts';
import { expectGated, HELD } from '../examples/gated-server.ts';
import { EXAMPLES } from '../examples/manifests.ts';

const PACKAGES = {
  express: ['express'],
  fastify: ['fastify'],
  nest: ['@nestjs/common', '@nestjs/core', '@nestjs/platform-express', 'reflect-metadata', 'rxjs'],
};
/** As a compiler would write it: Node knows no decorators. */
const APP_MODULE = `import { Controller, Get, Module } from '@nestjs/common';
class Health { ok() { return 'ok'; } }
Controller()(Health);
Get(['livez', 'readyz', ''])(Health.prototype, 'ok', Object.getOwnPropertyDescriptor(Health.prototype, 'ok'));
export class AppModule {}
Module({ controllers: [Health] })(AppModule);
`;

const installed = await mkdtemp(join(tmpdir(), 'lockstep-frameworks-'));
afterAll(() => rm(installed, { recursive: true, force: true }));
const failure = await promisify(execFile)(
  'npm',
  ['install', '--no-audit', '--no-fund', ...Object.values(PACKAGES).flat()],
  {
    cwd: installed,
  },
).then(
  () => undefined,
  (error: Error) => error,
);

if (failure) {
  it(`did not run: ${failure.message.split('\n')[0]}`, () => {
    console.warn(`Express, Fastify and Nest were not tested: ${failure.message}`);
  });
} else {
  describe('three instances at once answer health checks while one migrates', () => {
    it.each(['express', 'fastify', 'nest'])(
      '%s',
      async (framework) => {
        const at = await place(HELD);
        await cp(join(EXAMPLES, 'node', `${framework}.js`), join(at.folder, 'main.js'));
        await writeFile(join(at.folder, 'app.module.js'), APP_MODULE);
        for (const name of PACKAGES[framework as keyof typeof PACKAGES]) {
          const [scope = ''] = name.split('/');
          const link = join(at.folder, 'node_modules', scope);
          await symlink(join(installed, 'node_modules', scope), link).catch(() => undefined);
        }
        await expectGated(at, 'main.js');
        expect(await at.runs()).toEqual({ runs: 1, entries: 3 });
      },
      120_000,
    );
  });
}
