import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { holdRequests, migrateOnStartup } from 'lockstep/gate';
import { AppModule } from './app.module.js';

const stop = new AbortController();
process.once('SIGTERM', () => stop.abort());
const start = migrateOnStartup({ migrations: './migrations', signal: stop.signal });

const app = await NestFactory.create(AppModule);
app.use(holdRequests(start)); // before everything else
await app.listen(process.env.PORT ?? 8080);

const { leave } = await start;
stop.signal.addEventListener('abort', () =>
  app
    .close()
    .then(leave)
    .finally(() => process.exit()),
);
