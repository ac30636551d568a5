/** What copies of instances and of clusters have in common: tags, states, errors. */
import { LockstepError } from '../../core/errors/index.ts';
import { type CopyRequest, CopyTag, copyError, type StoredCopy } from '../../core/rehearsal/copy-store.ts';

interface Tag {
  readonly Key?: string | undefined;
  readonly Value?: string | undefined;
}

export const tagsOf = ({ target, run, expiresMs }: CopyRequest): { Key: string; Value: string }[] => [
  { Key: CopyTag.target, Value: target },
  { Key: CopyTag.run, Value: run },
  { Key: CopyTag.expires, Value: new Date(expiresMs).toISOString() },
];

/** As a list of one; empty if it is none of this target. */
export function storedCopy(
  id: string | undefined,
  tags: readonly Tag[] | undefined,
  target: string,
): StoredCopy[] {
  const tagged = (key: string) => tags?.find(({ Key }) => Key === key)?.Value;
  if (id === undefined || tagged(CopyTag.target) !== target) return [];
  const expiresMs = Date.parse(tagged(CopyTag.expires) ?? '');
  return [{ id, expiresMs: Number.isNaN(expiresMs) ? null : expiresMs }];
}

/**
 * Words of RDS for what does not become available by itself.
 * https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/Aurora.Status.html
 */
export const FAILED =
  /^(failed|.*-failed|deleting|storage-full|restore-error|inaccessible-.*|incompatible-.*)$/;

/** The error that a failure is: LS740 of a copy, LS751 of what is restored. */
export type ErrorOf = (what: string, remedy: string, cause?: unknown) => LockstepError;

/** `what`: the copy a, for the error. */
export function stateOf(
  status: string | undefined,
  what: string,
  errorOf: ErrorOf = copyError,
): 'available' | 'creating' {
  if (status === 'available') return 'available';
  if (!FAILED.test(status ?? '')) return 'creating';
  throw errorOf(`${what} is ${status}.`, 'Look at it in the RDS console, and start a new run.');
}

/** Undefined when the call fails with an error of one of these names. */
export async function unless<Result>(
  names: readonly string[],
  call: Promise<Result>,
): Promise<Result | undefined> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof Error && names.includes(error.name)) return undefined;
    throw error;
  }
}

export async function explained<Result>(
  what: string,
  work: () => Promise<Result>,
  errorOf: ErrorOf = copyError,
): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof LockstepError) throw error;
    const { name, message } = error as Error;
    throw errorOf(
      `${what}: ${name}: ${message}.`,
      "Check the function's permissions, the quota of instances and clusters, and the database in the RDS console; then start the run again.",
      error,
    );
  }
}
