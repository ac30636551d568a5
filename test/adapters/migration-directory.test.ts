import { execFile } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openMigrationDirectory } from '../../lib/adapters/filesystem/index.ts';
import { loadParser } from '../../lib/adapters/libpg-query/index.ts';
import { catalogEntryOf, digestOf, readBundle, sha256, sourceOfBundle } from '../../lib/core/plan/bundle.ts';
import { compileBundle } from '../../lib/core/plan/compile/index.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'lockstep-directory-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

const write = (files: Record<string, string | Buffer>) => {
  for (const [name, content] of Object.entries(files)) writeFileSync(join(directory, name), content);
};
const open = (path = directory) => openMigrationDirectory(path, loadParser);
const noParser = () => Promise.reject(new Error('the parser was loaded'));

describe('a migrations directory', () => {
  test('lists its migrations by revision, with the checksums of the files', async () => {
    write({ '10_b.contract.sql': 'SELECT 2', '2_a.sql': 'SELECT 1', '2_a.down.sql': 'SELECT 0' });
    const source = await open();
    expect(source.catalog).toEqual([
      {
        revision: '2',
        slug: 'a',
        phase: 'expand',
        sha256: sha256('SELECT 1'),
        downSha256: sha256('SELECT 0'),
      },
      { revision: '10', slug: 'b', phase: 'contract', sha256: sha256('SELECT 2'), downSha256: undefined },
    ]);
    expect(source.digest).toBe(digestOf(source.catalog, []));
  });

  test('is opened without parsing anything or loading the parser', async () => {
    write({ '1_broken.sql': 'SELEKT', '2_b.sql': 'SELECT 1' });
    const source = await openMigrationDirectory(directory, noParser);
    expect(source.catalog).toHaveLength(2);
    expect(await source.load([])).toEqual([]);
    expect(await source.load(['7'])).toEqual([]);
    await expect(source.load(['2'])).rejects.toThrow('the parser was loaded');
  });

  test('compiles the revisions asked for, in the order of the catalog', async () => {
    write({
      '1_broken.sql': 'SELEKT',
      '02_b.sql': 'SELECT 2',
      '03_c.sql': 'SELECT 3',
      '03_c.down.sql': 'SELECT -3',
    });
    const loaded = await (await open()).load(['03', '2']);
    expect(loaded.map((m) => m.up.sql)).toEqual(['SELECT 2', 'SELECT 3']);
    expect(loaded[1]).toMatchObject({
      revision: '03',
      up: { file: '03_c.sql' },
      down: { file: '03_c.down.sql' },
    });
  });

  test('refuses a file of more than 8 MB, and names the limit; one of 8 MB is read', async () => {
    write({ '1_a.sql': '-- 8 MB\n'.repeat(1_000_000) });
    expect((await open()).catalog).toHaveLength(1);
    writeFileSync(join(directory, '2_b.sql'), '');
    truncateSync(join(directory, '2_b.sql'), 100_000_000);
    await expect(open()).rejects.toMatchObject({
      code: 'LS213',
      what: '2_b.sql has 100.0 MB, and a migration file may have 8 MB.',
    });
    // Of characters that are more than a byte each.
    write({ '2_b.sql': `-- ${'€'.repeat(2_700_000)}` });
    await expect(open()).rejects.toMatchObject({ code: 'LS213', what: expect.stringContaining('8.1 MB') });
  });

  test('passes over pipes, a device and a socket, and is not held up by them', async () => {
    write({ '1_a.sql': 'SELECT 1', '2_empty.sql': '' });
    const pipes = ['3_pipe.sql', '5_open.sql', '6_written.sql'].map((name) => join(directory, name));
    await promisify(execFile)('mkfifo', pipes);
    symlinkSync('/dev/null', join(directory, '4_device.sql'));
    const module = new URL('../../lib/adapters/filesystem/index.ts', import.meta.url).href;
    const code = `
      import { once } from 'node:events';
      import { openSync, writeSync } from 'node:fs';
      import { createServer } from 'node:net';
      const [, open, written] = ${JSON.stringify(pipes)};
      openSync(open, 'r+');
      writeSync(openSync(written, 'r+'), 'SELECT 1');
      const socket = createServer().listen(${JSON.stringify(join(directory, '7_socket.sql'))});
      await once(socket, 'listening');
      const { openMigrationDirectory } = await import(${JSON.stringify(module)});
      const { catalog } = await openMigrationDirectory(${JSON.stringify(directory)});
      console.log(JSON.stringify(catalog.map(({ slug }) => slug)));
      socket.close();`;
    // In a process of its own, because nothing else ends what waits for a pipe.
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', code], {
      timeout: 5_000,
      killSignal: 'SIGKILL',
    });
    expect(JSON.parse(stdout)).toEqual(['a', 'empty']);
  });

  test('knows text that has the sign for what is no text from what is no text', async () => {
    write({ '1_a.sql': "SELECT '\ufffd'", '2_b.sql': Buffer.from([0x2d, 0x2d, 0xe4, 0x0a]) });
    const source = await open();
    expect(source.catalog[0]!.sha256).toBe(sha256("SELECT '\ufffd'"));
    expect(source.catalog[1]!.sha256).toBe(sha256(Buffer.from([0x2d, 0x2d, 0xe4, 0x0a])));
    expect((await source.load(['1']))[0]!.up.sql).toBe("SELECT '\ufffd'");
    await expect(source.load(['2'])).rejects.toMatchObject({ code: 'LS203' });
  });

  test('compiles what was there when it was opened', async () => {
    write({ '1_a.sql': 'SELECT 1', '2_b.sql': 'SELECT 2' });
    const source = await open();
    write({ '1_a.sql': 'SELECT 99' });
    unlinkSync(join(directory, '2_b.sql'));
    expect((await compileBundle(source)).digest).toBe(source.digest);
  });

  test('gives the catalog that its bundle has, byte order mark or not, and a bundle that can be read', async () => {
    write({
      '1_a.sql': '\uFEFFSELECT 1;\r\n',
      '1_a.down.sql': '\uFEFF-- nothing',
      '2_b.backfill.sql': 'SELECT 2',
    });
    const source = await open();
    const bundle = await compileBundle(source);
    expect(bundle.migrations.map(catalogEntryOf)).toEqual(source.catalog);
    expect(readBundle(JSON.stringify(bundle))).toEqual(bundle);
    expect(sourceOfBundle(bundle).digest).toBe(source.digest);
  });

  test('ignores what is no .sql file, dotfiles and directories, and follows links to files', async () => {
    const elsewhere = mkdtempSync(join(tmpdir(), 'lockstep-elsewhere-'));
    writeFileSync(join(elsewhere, 'real.txt'), 'SELECT 5');
    write({ 'README.md': '', '.hidden.sql': '', '1_a.sql': 'SELECT 1' });
    mkdirSync(join(directory, '2_b.sql'));
    symlinkSync(elsewhere, join(directory, '3_c.sql'));
    symlinkSync(join(elsewhere, 'real.txt'), join(directory, '4_d.sql'));
    const before = readdirSync(elsewhere);
    const source = await open();
    expect((await compileBundle(source)).migrations.map((m) => [m.revision, m.up.sql])).toEqual([
      ['1', 'SELECT 1'],
      ['4', 'SELECT 5'],
    ]);
    expect(readdirSync(elsewhere)).toEqual(before);
    rmSync(elsewhere, { recursive: true });
  });

  test('that has no migrations is refused', async () => {
    await expect(open()).rejects.toMatchObject({ code: 'LS206', what: expect.stringContaining(directory) });
    write({ 'README.md': 'none yet' });
    await expect(open()).rejects.toMatchObject({ code: 'LS206' });
  });

  test('that is not there, or is a file, is refused', async () => {
    const missing = join(directory, 'missing');
    await expect(open(missing)).rejects.toMatchObject({
      code: 'LS103',
      what: expect.stringContaining('does not exist'),
    });
    write({ file: '' });
    const file = join(directory, 'file');
    await expect(open(file)).rejects.toMatchObject({ code: 'LS103', what: expect.stringContaining(file) });
  });

  test('with a link that leads nowhere is refused, naming the link', async () => {
    write({ '1_a.sql': 'SELECT 1' });
    symlinkSync(join(directory, 'gone'), join(directory, '2_b.sql'));
    await expect(open()).rejects.toMatchObject({ code: 'LS103', what: expect.stringContaining('2_b.sql') });
  });

  test.each([
    ['LS201', { 'no_revision.sql': '' }],
    ['LS202', { '1_a.sql': '', '001_b.sql': '' }],
    ['LS210', { '1_a.sql': '', '2_b.down.sql': '' }],
  ])('is refused with %s when its names are not right', async (code, files) => {
    write(files);
    await expect(open()).rejects.toMatchObject({ code, state: 'Nothing was changed in the database.' });
  });

  test.each([
    ['LS203', { '1_a.sql': Buffer.from([0xff]) }],
    ['LS204', { '1_a.sql': 'SELEKT' }],
    ['LS205', { '1_a.sql': 'COMMIT' }],
    ['LS207', { '1_a.sql': '-- lockstep: x=1' }],
    ['LS208', { '1_a.sql': 'LISTEN x' }],
    ['LS204', { '1_a.sql': '', '1_a.down.sql': 'SELEKT' }],
  ])('is refused with %s when its content is not right', async (code, files) => {
    write(files);
    const source = await open();
    await expect(source.load(['1'])).rejects.toMatchObject({
      code,
      state: 'Nothing was changed in the database.',
    });
  });
});
