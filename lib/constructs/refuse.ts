import type { IConstruct } from 'constructs';

/** Ends the synthesis: what is wrong with the construct at `scope`, and what to write instead. */
export function refuse(scope: IConstruct, message: string): never {
  throw new Error(`[${scope.node.path}] ${message}`);
}
