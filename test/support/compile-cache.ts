import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * For processes that tests start: where Node keeps what it compiled of their sources, which takes them longer than all
 * else. Node's own folder for that belongs to the user of the machine who was there first, and others get none.
 */
export const COMPILE_CACHE = {
  NODE_COMPILE_CACHE: join(tmpdir(), `lockstep-tests-${process.getuid?.() ?? 'user'}`),
};
