import type { Hazard } from '../plan/bundle.ts';

export const RESTORE_POINT_METHODS = ['snapshot', 'clone', 'point-in-time'] as const;
export type RestorePointMethod = (typeof RESTORE_POINT_METHODS)[number];

export const RESTORE_POINT_WHEN = ['always', 'when-destructive'] as const;
/** For which plans with something pending a restore point is taken. */
export type RestorePointWhen = (typeof RESTORE_POINT_WHEN)[number];

/** Data is destroyed by what the analyser knows as such; what it does not know of is the author's to know. */
export const isWanted = (when: RestorePointWhen, hazards: readonly Pick<Hazard, 'class'>[]): boolean =>
  when === 'always' || hazards.some((hazard) => hazard.class === 'destructive');
