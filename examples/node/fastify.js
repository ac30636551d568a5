import Fastify from 'fastify';
import { holdRequests, migrateOnStartup } from 'lockstep/gate';

const start = migrateOnStartup({ migrations: './migrations' });
const gate = holdRequests(start);

const app = Fastify();
app.addHook('onRequest', (request, reply, next) => gate(request.raw, reply.raw, next)); // before every other hook
for (const path of ['/livez', '/readyz', '/']) app.get(path, async () => 'ok');
await app.listen({ host: '0.0.0.0', port: Number(process.env.PORT ?? 8080) });

const { leave } = await start;
process.once('SIGTERM', () =>
  app
    .close()
    .then(leave)
    .finally(() => process.exit()),
);
