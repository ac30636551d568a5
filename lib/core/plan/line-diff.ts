/** The difference of two texts, line by line, as `diff -u` shows it. */

interface Line {
  readonly sign: ' ' | '-' | '+';
  readonly text: string;
}

/** More pairs of lines than this are not compared one by one: the whole part counts as replaced. */
const MOST_PAIRS = 4_000_000;
const CONTEXT_LINES = 2;

/** Lines with `-`, `+` or a blank in front, and `...` for what is left out; none if the texts are equal. */
export function lineDiff(before: string, after: string): string[] {
  const lines = compare(linesOf(before), linesOf(after));
  const isNear = lines.map((_, i) =>
    lines.slice(Math.max(0, i - CONTEXT_LINES), i + CONTEXT_LINES + 1).some(({ sign }) => sign !== ' '),
  );
  return lines.flatMap(({ sign, text }, i) => {
    if (isNear[i]) return [`${sign} ${text}`.trimEnd()];
    return i > 0 && isNear[i - 1] && isNear.includes(true, i) ? ['...'] : [];
  });
}

const linesOf = (text: string): string[] => (text === '' ? [] : text.replace(/\n$/, '').split('\n'));

function compare(before: readonly string[], after: readonly string[]): Line[] {
  const shorter = Math.min(before.length, after.length);
  let head = 0;
  while (head < shorter && before[head] === after[head]) head += 1;
  let tail = 0;
  while (tail < shorter - head && before.at(-1 - tail) === after.at(-1 - tail)) tail += 1;
  return [
    ...signed(' ', before.slice(0, head)),
    ...compareMiddle(before.slice(head, before.length - tail), after.slice(head, after.length - tail)),
    ...signed(' ', before.slice(before.length - tail)),
  ];
}

const signed = (sign: Line['sign'], lines: readonly string[]): Line[] =>
  lines.map((text) => ({ sign, text }));

/** By the longest common subsequence; `common[i][j]` is its length from line i of one and j of the other on. */
function compareMiddle(before: readonly string[], after: readonly string[]): Line[] {
  const width = after.length + 1;
  if (before.length * after.length > MOST_PAIRS) return [...signed('-', before), ...signed('+', after)];
  const common = new Uint32Array((before.length + 1) * width);
  for (let i = before.length - 1; i >= 0; i -= 1)
    for (let j = after.length - 1; j >= 0; j -= 1)
      common[i * width + j] =
        before[i] === after[j]
          ? common[(i + 1) * width + j + 1]! + 1
          : Math.max(common[(i + 1) * width + j]!, common[i * width + j + 1]!);
  const lines: Line[] = [];
  let [i, j] = [0, 0];
  while (i < before.length && j < after.length) {
    if (before[i] === after[j]) [lines[lines.length], i, j] = [{ sign: ' ', text: before[i]! }, i + 1, j + 1];
    else if (common[(i + 1) * width + j]! >= common[i * width + j + 1]!)
      lines.push({ sign: '-', text: before[i++]! });
    else lines.push({ sign: '+', text: after[j++]! });
  }
  return [...lines, ...signed('-', before.slice(i)), ...signed('+', after.slice(j))];
}
