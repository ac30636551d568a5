import express from 'express';
import { holdRequests, migrateOnStartup } from 'lockstep/gate';

const start = migrateOnStartup({ migrations: './migrations' });

const app = express();
app.use(holdRequests(start)); // before everything else
app.get(['/livez', '/readyz', '/'], (_request, response) => response.sendStatus(200));
const server = app.listen(process.env.PORT ?? 8080);

const { leave } = await start;
process.once('SIGTERM', () => server.close(() => leave().finally(() => process.exit())));
