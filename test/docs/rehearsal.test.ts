/** The example is played on a server of its own, which is what is copied. */
import { onTestFinished, test } from 'vitest';
import { startPostgresServer } from '../../lib/local/index.ts';
import { queryRows } from '../support/postgres.ts';
import { runSection } from './console.ts';

const TIME_LIMIT_MS = 180_000;

test(
  'rehearsal.md: An example',
  async () => {
    const server = await startPostgresServer();
    onTestFinished(server.stop);
    await queryRows(server.url('postgres'), 'CREATE DATABASE orders');
    await runSection('docs/rehearsal.md', 'An example', server.url('orders'));
  },
  TIME_LIMIT_MS,
);
