/**
 * Migrators that Maven Central has: Liquibase as its own start script would start it; Flyway, whose command line is not
 * there, by its plugin for Maven.
 */
import { join } from 'node:path';
import { type Installed, reasonOf, run, type Tool, writeFiles, writeProgram } from './tool.ts';

const DRIVER = ['org.postgresql:postgresql:42.7.7'];

const xmlOf = (artifact: string): string => {
  const [groupId, artifactId, version] = artifact.split(':');
  return `<groupId>${groupId}</groupId><artifactId>${artifactId}</artifactId><version>${version}</version>`;
};
const dependenciesOf = (artifacts: readonly string[]): string =>
  `<dependencies>${artifacts.map((a) => `<dependency>${xmlOf(a)}</dependency>`).join('')}</dependencies>`;

const writePom = (folder: string, content: string): Promise<void> =>
  writeFiles(folder, {
    'pom.xml': `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
${xmlOf('test:test:1')}${content}</project>`,
  });

/** A program of this name that starts the main class with these artifacts. */
async function installProgram(
  folder: string,
  name: string,
  mainClass: string,
  artifacts: readonly string[],
): Promise<Installed> {
  await writePom(folder, dependenciesOf(artifacts));
  const lib = join(folder, 'lib');
  const goal = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies';
  await run('mvn', ['-q', '-B', goal, `-DoutputDirectory=${lib}`], { cwd: folder });
  await writeProgram(join(folder, name), `#!/bin/sh\nexec java -cp '${lib}/*' ${mainClass} "$@"\n`);
  return { path: [folder] };
}

/** A program of this name whose first argument is the goal of a plugin of Maven. */
async function installPlugin(
  folder: string,
  name: string,
  plugin: string,
  artifacts: readonly string[],
): Promise<Installed> {
  const content = `${xmlOf(plugin)}${dependenciesOf(artifacts)}`;
  await writePom(folder, `<build><plugins><plugin>${content}</plugin></plugins></build>`);
  const goals = plugin.split(':', 2).join(':');
  const script = `exec mvn -q -B -f '${folder}/pom.xml' ${goals}:"$1" "-D${name}.workingDirectory=$PWD"`;
  await writeProgram(join(folder, name), `#!/bin/sh\n${script}\n`);
  // Fetches all that it is made of, and finds no database.
  await run(join(folder, name), ['info'], { cwd: folder }).catch((error: Error) => {
    if (!reasonOf(error).includes('database')) throw error;
  });
  return { path: [folder] };
}

const jdbc = ({ host, pathname }: URL): string => `jdbc:postgresql://${host}${pathname}?sslmode=disable`;

export const flyway: Tool = {
  name: 'Flyway',
  install: (folder) =>
    installPlugin(folder, 'flyway', 'org.flywaydb:flyway-maven-plugin:11.14.0', [
      'org.flywaydb:flyway-database-postgresql:11.14.0',
      ...DRIVER,
    ]),
  project: (steps) =>
    Object.fromEntries(steps.map(({ name, sql }, at) => [`migrations/V${at + 1}__${name}.sql`, `${sql};\n`])),
  variables: (url) => ({
    FLYWAY_URL: jdbc(url),
    FLYWAY_USER: url.username,
    FLYWAY_PASSWORD: url.password,
    FLYWAY_LOCATIONS: 'filesystem:migrations',
  }),
  ids: [['V1__account.sql'], ['V1__account.sql']],
  collides: false,
};

export const liquibase: Tool = {
  name: 'Liquibase',
  install: (folder) =>
    installProgram(folder, 'liquibase', 'liquibase.integration.commandline.LiquibaseCommandLine', [
      'org.liquibase:liquibase-core:4.33.0',
      'info.picocli:picocli:4.7.7',
      ...DRIVER,
    ]),
  project: (steps) => ({
    'changelog.sql': [
      '--liquibase formatted sql',
      ...steps.map(({ name, sql }) => `--changeset team:${name}\n${sql};`),
    ].join('\n\n'),
  }),
  variables: (url) => ({
    LIQUIBASE_COMMAND_URL: jdbc(url),
    LIQUIBASE_COMMAND_USERNAME: url.username,
    LIQUIBASE_COMMAND_PASSWORD: url.password,
    LIQUIBASE_COMMAND_CHANGELOG_FILE: 'changelog.sql',
    LIQUIBASE_ANALYTICS_ENABLED: 'false',
  }),
  ids: [['changelog.sql::account::team'], ['changelog.sql::account::team']],
  collides: false,
};
