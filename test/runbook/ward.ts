/**
 * A person on call, who has an error's text, docs/runbook.md and a shell. The commands are those of lib/cli, called in this
 * process, so that trying every section takes seconds.
 */
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { expect, onTestFinished } from 'vitest';
import { asksForJson, parseCommandLine } from '../../lib/cli/frame/program.ts';
import { errorText } from '../../lib/cli/frame/show-error.ts';
import type { Output } from '../../lib/cli/frame/terminal.ts';
import { asLockstepError, type ErrorCode, ExitCode } from '../../lib/core/errors/index.ts';
import { readDocument } from '../docs/markdown.ts';
import { createDatabase, queryRows } from '../support/postgres.ts';

export type Files = Readonly<Record<string, string | Uint8Array>>;

export interface Ended {
  /** Null of a process that was killed. */
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Ward {
  readonly url: string;
  readonly name: string;
  readonly folder: string;
  put(files: Files): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  remove(file: string): Promise<void>;
  /** `up --to 1`, on this database and its folder of migrations, unless it says otherwise. */
  run(line: string, more?: Partial<Given>): Promise<Ended>;
  /** The same; it has to succeed. */
  done(line: string, more?: Partial<Given>): Promise<Ended>;
  /** A command or SQL as it is printed in the section, with something in the place of its words in capitals or its dots. */
  printed(
    code: ErrorCode,
    text: string,
    values?: Readonly<Record<string, string>>,
  ): Promise<Ended | undefined>;
  sql<Row extends object = Record<string, unknown>>(text: string): Promise<Row[]>;
  /** Somebody else's session that has run this, and leaves its transaction open; its pid. */
  other(sql: string): Promise<number>;
}

interface Given {
  readonly url: string;
  readonly signal: AbortSignal;
  /** Beside the address. */
  readonly env: Readonly<Record<string, string>>;
  /** Called with each line of progress. */
  readonly told: (line: string) => void;
}

export async function openWard(): Promise<Ward> {
  const { url, name, drop } = await createDatabase();
  onTestFinished(drop);
  const place = await mkdtemp(join(tmpdir(), 'lockstep-ward-'));
  onTestFinished(() => rm(place, { recursive: true, force: true }));
  const folder = join(place, 'migrations');
  await mkdir(folder);

  const run: Ward['run'] = (line, given = {}) => {
    const args = argumentsOf(line);
    const end = args.includes('--') ? args.indexOf('--') : args.length;
    const names = (option: string) => args.slice(0, end).includes(option);
    const where = names('--migrations') || names('--bundle') ? [] : ['--migrations', folder];
    return call([...args.slice(0, end), ...where, ...args.slice(end)], { url, ...given });
  };
  const done: Ward['done'] = async (line, given) => {
    const ended = await run(line, given);
    expect(ended, line).toMatchObject({ exitCode: 0 });
    return ended;
  };
  const sql: Ward['sql'] = (text) => queryRows(url, text);
  return {
    url,
    name,
    folder,
    put: async (files) => {
      for (const [file, text] of Object.entries(files)) await writeFile(join(folder, file), text);
    },
    rename: (from, to) => rename(join(folder, from), join(folder, to)),
    remove: (file) => rm(join(folder, file)),
    run,
    done,
    sql,
    printed: async (code, text, values = {}) => {
      says(code, `\`${text}\``);
      const filled = Object.entries(values).reduce((line, [word, value]) => line.replace(word, value), text);
      if (filled.startsWith('lockstep ')) return done(filled.slice('lockstep '.length));
      await sql(filled);
      return undefined;
    },
    other: async (text) => {
      const client = new pg.Client({ connectionString: url, application_name: 'report' });
      client.on('error', () => undefined);
      await client.connect();
      onTestFinished(() => client.end());
      const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
      await client.query(text);
      return rows[0]!.pid;
    },
  };
}

/** Words between quotes are one. */
const argumentsOf = (line: string): string[] =>
  [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');

/** That the section under the heading that begins so has these words: what is done next, it has told. */
export function says(heading: ErrorCode | `Alarm: ${string}`, ...words: readonly string[]): void {
  const [, text = ''] = new RegExp(`\\n## ${heading}[:\\n]([\\s\\S]*?)(?=\\n## |$)`).exec(RUNBOOK) ?? [];
  // They may go over the end of a line.
  for (const each of words) expect(text.replaceAll(/\s+/g, ' '), heading).toContain(each);
}
const RUNBOOK = readDocument('docs/runbook.md');

/** A command, in this process. */
export async function call(
  argv: readonly string[],
  { url, signal = new AbortController().signal, env: more = {}, told = () => undefined }: Partial<Given> = {},
): Promise<Ended> {
  const [stdout, stderr]: [string[], string[]] = [[], []];
  const to = (lines: string[], tell: Given['told'] = () => undefined): Output => ({
    line: (text) => {
      lines.push(text);
      tell(text);
    },
    paint: (_, text) => text,
  });
  const terminal = { out: to(stdout), err: to(stderr, told) };
  const end = (exitCode: number) => ({ exitCode, stdout: stdout.join('\n'), stderr: stderr.join('\n') });
  const failed = (thrown: unknown) => {
    const error = asLockstepError(thrown);
    terminal.err.line(errorText(error, terminal.err.paint));
    return end(error.exitCode);
  };
  try {
    const parsed = parseCommandLine(argv, '0.0.0');
    if (parsed.kind === 'text') {
      terminal.out.line(parsed.text);
      return end(parsed.exitCode);
    }
    const command = await parsed.load();
    const env = { PATH: process.env.PATH, ...(url === undefined ? {} : { DATABASE_URL: url }), ...more };
    const result = await command({ options: parsed.options as never, env, terminal, signal });
    const text = asksForJson(argv) ? JSON.stringify(result.json) : result.text;
    if (text !== '') terminal.out.line(text);
    return result.error ? failed(result.error) : end(result.exitCode ?? ExitCode.done);
  } catch (thrown) {
    return failed(thrown);
  }
}

export interface Walk {
  /** Up to the command that fails; what the person sees. */
  readonly fault: (ward: Ward) => Promise<Ended>;
  /** What the section says that is to be done. */
  readonly heal: (ward: Ward, seen: Ended) => Promise<unknown>;
  /** What has to succeed then. Default: `up`. */
  readonly again?: string;
}

/** The code, and three sentences. */
export function expectError(code: ErrorCode, { stderr, exitCode }: Ended): void {
  expect(stderr).toMatch(new RegExp(`^Error ${code}: \\S.*\\.$`, 'm'));
  expect(stderr).toMatch(/^State: \S/m);
  expect(stderr).toMatch(/^Next: {2}\S/m);
  expect(exitCode).toBeGreaterThan(0);
}

/** From the error's text to the healed system. */
export async function walk(code: ErrorCode, { fault, heal, again = 'up' }: Walk): Promise<void> {
  const ward = await openWard();
  const seen = await fault(ward);
  expectError(code, seen);
  await heal(ward, seen);
  await ward.done(again);
  const { stdout } = await ward.run('doctor');
  expect(stdout.split('\n').filter((line) => line.startsWith('problem'))).toEqual([]);
}
