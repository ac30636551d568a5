/**
 * What a process is told from outside: options (of the command line or of the gate) over environment
 * variables, read into values, and the ports opened from them. The command line and the gate both start here.
 *
 * Invariants: an option beats its variable; an empty variable counts as absent; every problem is collected, so
 * that a person corrects them all at once (LS102); packages that a setting does not ask for are not loaded,
 * because the start of `lockstep up` is part of every deployment.
 *
 * What can fail: LS102 for settings, LS103 and LS2xx for the migrations.
 */
export { type DurationSetting, readDuration } from './duration.ts';
export { newHolder } from './holder.ts';
export { type LeaseLocation, openLeases, readLeaseLocation } from './lease-location.ts';
export { type MigrationsLocation, openSource } from './migrations-location.ts';
export { readOutOfOrder } from './out-of-order.ts';
export { readTarget, type TargetOptions, type TargetSettings } from './target.ts';
