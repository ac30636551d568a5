/**
 * Migrate in a task: the program of the container that does long work. One attempt, as Migrate makes it, with more
 * time; it applies all that is left, and is called again if that does not fit, either.
 *
 * Its exit code is for people. What it failed with is in the ledger, where the Migrate function reads it, and decides.
 * SIGTERM (the run was stopped, or ECS takes the host back) cancels its SQL; ECS kills it half a minute later.
 */
import { runTask } from './_runtime/task.ts';

const stopping = new AbortController();
process.on('SIGTERM', () => stopping.abort());
// Not by itself: connections that are kept open for a next call would keep the container.
process.exit(await runTask(stopping.signal));
