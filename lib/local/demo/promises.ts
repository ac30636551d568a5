import type { Narrator } from './narrator.ts';

/** What the demo promises to its reader; each promise is checked, and one that is not kept fails the demo. */
export class Promises {
  readonly #narrator: Narrator;
  readonly #broken: string[] = [];
  #kept = 0;

  constructor(narrator: Narrator) {
    this.#narrator = narrator;
  }

  get broken(): readonly string[] {
    return this.#broken;
  }

  get kept(): number {
    return this.#kept;
  }

  check(promise: string, isKept: boolean, found = ''): void {
    const { page } = this.#narrator;
    if (isKept) this.#kept++;
    else this.#broken.push(found === '' ? promise : `${promise} (found: ${found})`);
    const mark = isKept ? page.paint('green', '[kept]') : page.paint('red', '[BROKEN]');
    page.line(`  ${mark} ${promise}${isKept || found === '' ? '' : ` - found: ${found}`}`);
  }
}
