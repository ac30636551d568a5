/** What the constructs, the image and the task's program have to agree on. */
export const TASK_CONTAINER = 'lockstep';

/** In the image: see Dockerfile. */
export const IMAGE_DIRECTORY = '/lockstep';
export const TASK_PROGRAM = 'dist/task/index.mjs';
export const IMAGE_BUNDLE = 'bundle.json';

/**
 * What a task may take to start, until it renews the lease itself: capacity, network interface, image. The lease has
 * this duration meanwhile, or the next waiter would take over from a run that is only starting a container.
 */
export const TASK_START_SECONDS = 600;

/** Tasks in a row that may end without having finished a migration: hosts are retired, spot capacity is reclaimed. */
export const MOST_TASKS = 3;
