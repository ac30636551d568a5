/**
 * Commands that need the engine and nothing that is heavy beside it, to be loaded together: each file that is loaded by
 * itself, and each piece that some of them share, is a moment at every start.
 */
export { backfillPause, backfillResume, backfillStatus } from './backfill.ts';
export { baseline } from './baseline.ts';
export { current } from './current.ts';
export { down } from './down.ts';
export { history } from './history.ts';
export { instancesAdd, instancesList, instancesRemove } from './instances.ts';
export { lockRelease } from './lock-release.ts';
export { lockStatus } from './lock-status.ts';
export { plan } from './plan.ts';
export { stamp } from './stamp.ts';
export { status } from './status.ts';
export { up } from './up.ts';
export { wait } from './wait.ts';
