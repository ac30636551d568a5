import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lineDiff } from '../../lib/core/plan/line-diff.ts';

const text = (...lines: string[]) => lines.map((line) => `${line}\n`).join('');

describe('the difference of two texts', () => {
  it('is empty for equal ones', () => {
    expect(lineDiff(text('a', 'b'), text('a', 'b'))).toEqual([]);
    expect(lineDiff('', '')).toEqual([]);
  });

  it('shows what was taken away and what was added, with two lines around', () => {
    const before = text('1', '2', '3', '4', '5', '6', '7', '8', '9', '10', '11', '12');
    const after = text('1', '2', '3', 'four', '5', '6', '7', '8', '9', '10', '11', '12', '13');
    expect(lineDiff(before, after)).toEqual([
      '  2',
      '  3',
      '- 4',
      '+ four',
      '  5',
      '  6',
      '...',
      '  11',
      '  12',
      '+ 13',
    ]);
  });

  it('shows all of a text where there was none', () => {
    expect(lineDiff('', text('a', 'b'))).toEqual(['+ a', '+ b']);
    expect(lineDiff(text('a'), '')).toEqual(['- a']);
  });

  it('counts what is too large to be compared line by line as replaced', () => {
    const [before, after] = ['a', 'b'].map((word) => text(...Array(2_100).fill(word), 'same', word));
    expect(lineDiff(before!, after!)).toHaveLength(2 * 2_102);
  });

  it('makes the one text of the other', () => {
    const lines = fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 8 });
    fc.assert(
      fc.property(lines, lines, (before, after) => {
        // Every line is near a difference, so that all of them are shown.
        fc.pre(before.length + after.length < 6 || before.join() !== after.join());
        const diff = lineDiff(text(...before), text(...after));
        if (diff.length === 0 || diff.includes('...')) return;
        const side = (sign: string) =>
          diff.filter((l) => l[0] === sign || l[0] === ' ').map((l) => l.slice(2));
        const isPart = (all: string[], part: string[]) => all.join('').includes(part.join(''));
        expect(isPart(before, side('-')) && isPart(after, side('+'))).toBe(true);
      }),
    );
  });
});
