/** What is kept of compiled code: it is used only where it is whole and of the same texts, and nothing depends on it. */
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { CodeCache } from '../../lib/build/code-cache.ts';

const TEXTS = { one: '(function (x) { return x + 1; })', two: '(function (x) { return x + 2; })' };
type Name = keyof typeof TEXTS;

let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lockstep-code-'));
  file = join(folder, 'compiled');
  onTestFinished(() => rm(folder, { recursive: true }));
});

/** A run of a program that asks for these texts; for each, whether what was kept of it was used. */
function run(names: readonly Name[], place: { at?: string | undefined; digest?: string } = {}) {
  const { at, digest } = { at: file, digest: 'texts', ...place };
  const cache = new CodeCache(at, digest);
  const used = names.map((name) => {
    const script = cache.compile(name, TEXTS[name], `file:///${name}.js`);
    expect(script.runInThisContext()(1)).toBe(name === 'one' ? 2 : 3);
    return script.cachedDataRejected === false;
  });
  cache.save();
  return used;
}

test('what one run compiled, the next one does not', async () => {
  expect(run(['one', 'two'])).toEqual([false, false]);
  expect(await readdir(folder)).toEqual(['compiled']);
  expect(run(['one', 'two'])).toEqual([true, true]);
});

test('a run that compiled nothing writes nothing', async () => {
  run(['one', 'two']);
  const before = await stat(file);
  run(['one']);
  expect((await stat(file)).ino).toBe(before.ino);
});

test('what others compiled is kept', () => {
  run(['one']);
  expect(run(['two'])).toEqual([false]);
  expect(run(['one', 'two'])).toEqual([true, true]);
});

test('of other texts nothing is used, and it is replaced', () => {
  run(['one']);
  expect(run(['one'], { digest: 'other texts' })).toEqual([false]);
  expect(run(['one'], { digest: 'other texts' })).toEqual([true]);
});

describe('a file that is not whole is not used, and is replaced', () => {
  test.each<[string, (whole: Buffer) => Buffer]>([
    ['empty', () => Buffer.alloc(0)],
    ['cut off', (whole) => whole.subarray(0, whole.length - 100)],
    ['shorter than its hash', (whole) => whole.subarray(0, 10)],
    // V8 itself does not notice all of these, and dies of some: docs/decisions.md, 33.
    ['with other bytes in the middle', (whole) => whole.fill(0xff, whole.length - 200, whole.length - 150)],
  ])('%s', async (_, damage) => {
    run(['one', 'two']);
    await writeFile(file, damage(await readFile(file)));
    expect(run(['one', 'two'])).toEqual([false, false]);
    expect(run(['one', 'two'])).toEqual([true, true]);
  });
});

test('without a place for it, or where nothing can be written, all is compiled', () => {
  for (const at of [undefined, join(folder, 'not-there', 'compiled')]) {
    expect(run(['one'], { at })).toEqual([false]);
    expect(run(['one'], { at })).toEqual([false]);
  }
});
