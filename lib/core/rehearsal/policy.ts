/** Of the coordinator; absent, a run is held to the rehearsal that it is given, if it is given one. */
export const REHEARSAL_POLICIES = ['required'] as const;
export type RehearsalPolicy = (typeof REHEARSAL_POLICIES)[number];
