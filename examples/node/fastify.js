import Fastify from 'fastify';
import { holdRequests, migrateOnStartup } from 'lockstep/gate';

const stop = new AbortController();
process.once('SIGTERM', () => stop.abort());
const start = migrateOnStartup({ migrations: './migrations', signal: stop.signal });
const gate = holdRequests(start);

const app = Fastify();
app.addHook('onRequest', (request, reply, next) => gate(request.raw, reply.raw, next)); // before every other hook
for (const path of ['/livez', '/readyz', '/']) app.get(path, async () => 'ok');
await app.listen({ host: '0.0.0.0', port: Number(process.env.PORT ?? 8080) });

const { leave } = await start;
stop.signal.addEventListener('abort', () =>
  app
    .close()
    .then(leave)
    .finally(() => process.exit()),
);
