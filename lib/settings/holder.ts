import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';

/** Who this process is as a holder of the lease: host:pid:uuid. New with every call. */
export const newHolder = (): string => `${hostname()}:${process.pid}:${randomUUID()}`;
