/**
 * Many instances of one tool at once in one process. Arguments: module of the tool, folder, URL, how many. Prints one
 * line of JSON: how many were fine, when the last of them was ready, and the different errors of the others.
 */
const [module = '', folder = '', url = '', count = '1'] = process.argv.slice(2);
const { up } = await import(module);
const startedMs = performance.now();
const outcomes = await Promise.all(
  Array.from({ length: Number(count) }, () =>
    up(folder, url).then(
      () => ({ readyMs: performance.now() - startedMs }),
      (error) => ({ error: String(error) }),
    ),
  ),
);
const ready = outcomes.flatMap(({ readyMs }) => readyMs ?? []);
const errors = [...new Set(outcomes.flatMap(({ error }) => error ?? []))];
console.log(JSON.stringify({ fine: ready.length, lastReadyMs: Math.max(...ready), errors }));
// A tool may leave a pool behind that would keep the process alive.
process.exit();
