/** The releases of the second and third act, which come on top of the sample set: three migrations each. */
import { cp, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { DatabaseConfig } from '../../adapters/postgres/index.ts';
import { queryRows } from '../database-client.ts';

export const SAMPLE = fileURLToPath(new URL('../../../migrations', import.meta.url));

export type Files = Readonly<Record<string, string>>;

/** The third one fails at its second statement, after its first has made a table. */
export const FAILING: Files = {
  '0009_add_task_priority.sql': 'ALTER TABLE tasks ADD COLUMN priority smallint NOT NULL DEFAULT 0;\n',
  '0009_add_task_priority.down.sql': 'ALTER TABLE tasks DROP COLUMN priority;\n',
  '0010_create_labels.sql': `CREATE TABLE labels (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  workspace_id bigint NOT NULL REFERENCES workspaces,
  name text NOT NULL
);
`,
  '0010_create_labels.down.sql': 'DROP TABLE labels;\n',
  '0011_label_overdue_tasks.sql': `CREATE TABLE task_labels (
  task_id bigint NOT NULL REFERENCES tasks,
  label_id bigint NOT NULL REFERENCES labels
);
UPDATE tasks SET priority = 3
WHERE NOT done AND dueon < DATE '2026-06-01';
`,
  '0011_label_overdue_tasks.down.sql': 'DROP TABLE task_labels;\n',
};

/**
 * Each migration leaves a row in a table that would take any number of them, so one that ran twice shows. The
 * second is slow the first time it is tried: a sequence counts tries, because a roll-back does not take it back.
 */
export const SLOW: Files = {
  '0009_create_effects.sql': `CREATE TABLE effects (migration text NOT NULL, at timestamptz NOT NULL DEFAULT clock_timestamp());
CREATE SEQUENCE effect_tries;
INSERT INTO effects (migration) VALUES ('0009');
`,
  '0010_change_slowly.sql': `INSERT INTO effects (migration) VALUES ('0010');
SELECT pg_sleep(CASE nextval('effect_tries') WHEN 1 THEN 60 ELSE 0 END);
`,
  '0011_change_once_more.sql': `INSERT INTO effects (migration) VALUES ('0011');
`,
};

/** Whether a session sleeps inside the slow migration. */
export async function isSlow(database: DatabaseConfig): Promise<boolean> {
  const sql = `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'`;
  return (await queryRows(database, sql)).length > 0;
}

/** A directory with these files, and those of the sample set if it is given. */
export async function makeRelease(directory: string, files: Files, sample?: string): Promise<string> {
  await mkdir(directory);
  if (sample !== undefined) await cp(sample, directory, { recursive: true });
  for (const [name, sql] of Object.entries(files)) await writeFile(join(directory, name), sql);
  return directory;
}
