import { createServer } from 'node:http';
import { holdRequests, migrateOnStartup } from 'lockstep/gate';

const app = (request, response) => {
  response.writeHead(['/livez', '/readyz', '/'].includes(request.url) ? 200 : 404).end();
};

const stop = new AbortController();
process.once('SIGTERM', () => stop.abort());

const start = migrateOnStartup({
  migrations: './migrations',
  signal: stop.signal,
  on: ({ kind }) => console.log(kind),
});
const gate = holdRequests(start);
const server = createServer((request, response) => gate(request, response, () => app(request, response)));
server.listen(process.env.PORT ?? 8080);

const { leave } = await start; // a failure ends the process here: the deployer keeps the old version
stop.signal.addEventListener('abort', () => server.close(() => leave().finally(() => process.exit())));
