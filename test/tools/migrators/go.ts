/** Migrators that the Go module proxy has; built by Go itself. */
import { join } from 'node:path';
import { type Installed, run, type Tool } from './tool.ts';

async function goInstall(folder: string, tags: string, module: string): Promise<Installed> {
  const path = join(folder, 'bin');
  await run('go', ['install', `-tags=${tags}`, module], {
    env: { ...process.env, GOBIN: path, GOFLAGS: '-modcacherw' },
  });
  return { path: [path] };
}

export const golangMigrate: Tool = {
  name: 'golang-migrate',
  install: (folder) =>
    goInstall(folder, 'postgres', 'github.com/golang-migrate/migrate/v4/cmd/migrate@v4.19.0'),
  project: (steps) =>
    Object.fromEntries(
      steps.map(({ name, sql }, at) => [`migrations/00000${at + 1}_${name}.up.sql`, `${sql};\n`]),
    ),
  ids: [['1'], ['2 (dirty)']],
  collides: false,
};

const OTHER_DATABASES = [
  'clickhouse',
  'libsql',
  'mssql',
  'mysql',
  'sqlite3',
  'vertica',
  'ydb',
  'turso',
  'spanner',
];

export const goose: Tool = {
  name: 'goose',
  install: (folder) =>
    goInstall(
      folder,
      OTHER_DATABASES.map((name) => `no_${name}`).join(','),
      'github.com/pressly/goose/v3/cmd/goose@v3.26.0',
    ),
  project: (steps) =>
    Object.fromEntries(
      steps.map(({ name, sql }, at) => [`migrations/0000${at + 1}_${name}.sql`, `-- +goose Up\n${sql};\n`]),
    ),
  ids: [
    ['0', '1'],
    ['0', '1', '2'],
  ],
  collides: true,
};
