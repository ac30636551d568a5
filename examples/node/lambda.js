import { waitForSchema } from 'lockstep/gate';

// Once for each instance of the function, while it is made, which may take 10 s. If it fails, Lambda makes another one.
// No heartbeat: the instance is frozen between two requests, and would count as gone.
await waitForSchema({ bundle: 'bundle.json', timeoutMs: 8_000, heartbeatMs: 0 });

export const handler = async () => ({ statusCode: 200, body: 'ok' });
