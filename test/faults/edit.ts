/** A change of one source file, by which a mutant loses one of its protections. */
export interface Edit {
  /** From the repository's root. */
  readonly file: string;
  /** Has to be in the file exactly once: a mutant that no longer changes anything would prove nothing. */
  readonly find: string;
  readonly replace: string;
}

/** Throws when the text to be replaced is not there, or more than once. */
export function applyEdits(source: string, edits: readonly Edit[]): string {
  return edits.reduce((text, { file, find, replace }) => {
    const times = text.split(find).length - 1;
    if (times !== 1) throw new Error(`${file} has this ${times} times instead of once: ${find}`);
    return text.replace(find, () => replace);
  }, source);
}
