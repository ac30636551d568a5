/** What the bench lets run: a tool, or the least that a script could do, each with migrations in its own convention. */

export interface BenchMigration {
  /** From 1, without gaps. */
  readonly number: number;
  readonly sql: string;
  /** For a statement that PostgreSQL refuses in a transaction. */
  readonly outsideTransaction?: true;
}

/** Contents by path below the folder. */
export type Files = Readonly<Record<string, string>>;

export interface Program {
  readonly file: string;
  readonly args: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
}

export interface Contender {
  readonly name: string;
  readonly kind: 'limit' | 'lockstep' | 'peer';
  files(migrations: readonly BenchMigration[]): Files;
  /** Applies what is pending and ends. */
  up(folder: string, url: string): Program;
  /** A module with `up(folder, url)`; undefined for what is no Node program. */
  readonly module?: string;
}

export const digits = (number: number, count = 4): string => String(number).padStart(count, '0');

type Naming = (migration: BenchMigration) => string;

/** One file for each migration; `outside` is the line that says that it is not to run in a transaction. */
export const oneFileEach =
  (nameOf: Naming, { outside = '', before = '', after = '' } = {}): Contender['files'] =>
  (migrations) =>
    Object.fromEntries(
      migrations.map((migration) => [
        nameOf(migration),
        `${migration.outsideTransaction ? outside : before}${migration.sql}\n${after}`,
      ]),
    );

export const plainName: Naming = ({ number }) => `${digits(number)}_step.sql`;

export const node = (...args: string[]): Program => ({ file: process.execPath, args });
