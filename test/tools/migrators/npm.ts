/** Migrators that npm has. */
import { npmInstall, run, type Tool } from './tool.ts';

export const dbmate: Tool = {
  name: 'dbmate',
  install: (folder) => npmInstall(folder, 'dbmate@2.36.0'),
  project: (steps) =>
    Object.fromEntries(
      steps.map(({ name, sql }, at) => [
        `db/migrations/2026010100000${at + 1}_${name}.sql`,
        `-- migrate:up\n${sql};\n\n-- migrate:down\n`,
      ]),
    ),
  ids: [['20260101000001'], ['20260101000001', '20260101000002']],
  collides: true,
};

export const nodePgMigrate: Tool = {
  name: 'node-pg-migrate',
  install: (folder) => npmInstall(folder, 'node-pg-migrate@9.0.0', 'pg@8.23.1'),
  project: (steps) =>
    Object.fromEntries(
      steps.map(({ name, sql }, at) => [
        `migrations/176000000000${at + 1}_${name}.sql`,
        `-- Up Migration\n${sql};\n\n-- Down Migration\n`,
      ]),
    ),
  ids: [['1760000000001_account'], ['1760000000001_account', '1760000000002_wrong']],
  collides: true,
};

export const drizzle: Tool = {
  name: 'Drizzle',
  install: (folder) => npmInstall(folder, 'drizzle-kit@0.31.11', 'drizzle-orm', 'pg@8.23.1'),
  project: (steps) => ({
    'drizzle.config.js': `export default {
  dialect: 'postgresql', out: './drizzle', dbCredentials: { url: process.env.DATABASE_URL },
};\n`,
    'drizzle/meta/_journal.json': JSON.stringify({
      version: '7',
      dialect: 'postgresql',
      entries: steps.map(({ name }, idx) => ({
        idx,
        version: '7',
        when: 1760000000001 + idx,
        tag: `000${idx}_${name}`,
        breakpoints: true,
      })),
    }),
    ...Object.fromEntries(steps.map(({ name, sql }, at) => [`drizzle/000${at}_${name}.sql`, `${sql};\n`])),
  }),
  ids: [['1760000000001'], ['1760000000001', '1760000000002']],
  collides: true,
};

export const prisma: Tool = {
  name: 'Prisma',
  install: async (folder) => {
    const installed = await npmInstall(folder, 'prisma@7.10.1');
    // Its engine for migrations is no package: it is fetched at the first use.
    await run('npx', ['prisma', 'version'], { cwd: folder });
    return installed;
  },
  project: (steps) => ({
    'prisma.config.ts': `export default {
  schema: 'prisma/schema.prisma', migrations: { path: 'prisma/migrations' }, datasource: { url: process.env.DATABASE_URL },
};\n`,
    'prisma/schema.prisma': 'datasource db {\n  provider = "postgresql"\n}\n',
    'prisma/migrations/migration_lock.toml': 'provider = "postgresql"\n',
    ...Object.fromEntries(
      steps.map(({ name, sql }, at) => [
        `prisma/migrations/2026010100000${at + 1}_${name}/migration.sql`,
        `${sql};\n`,
      ]),
    ),
  }),
  ids: [['20260101000001_account'], ['20260101000001_account', '20260101000002_wrong']],
  collides: false,
};
