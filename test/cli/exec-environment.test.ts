import { expect, it } from 'vitest';
import { environmentInRun } from '../../lib/cli/exec-in-run.ts';

const env = { PGUSER: 'migrator', PGPASSWORD: 'p@ss/word', LOCKSTEP_TASK_INPUT: '{}' };
const database = { port: 5432, database: 'or ders', user: 'migrator', tls: 'verify' } as const;

it.each([
  ['db.example.com', 'postgres://migrator:p%40ss%2Fword@db.example.com:5432/or%20ders?sslmode=require'],
  ['fd00::1', 'postgres://migrator:p%40ss%2Fword@[fd00::1]:5432/or%20ders?sslmode=require'],
])('a command in a run gets the address of %s, and not the input of its task', (host, url) => {
  expect(environmentInRun(env, { ...database, host })).toEqual({
    DATABASE_URL: url,
    PGUSER: 'migrator',
    PGPASSWORD: 'p@ss/word',
  });
});
