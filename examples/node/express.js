import express from 'express';
import { holdRequests, migrateOnStartup } from 'lockstep/gate';

const stop = new AbortController();
process.once('SIGTERM', () => stop.abort());
const start = migrateOnStartup({ migrations: './migrations', signal: stop.signal });

const app = express();
app.use(holdRequests(start)); // before everything else
app.get(['/livez', '/readyz', '/'], (_request, response) => response.sendStatus(200));
const server = app.listen(process.env.PORT ?? 8080);

const { leave } = await start;
stop.signal.addEventListener('abort', () => server.close(() => leave().finally(() => process.exit())));
