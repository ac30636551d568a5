/**
 * `verify`: is the database what the ledger says? Reads only, and needs no lease. What the applied scripts have
 * created is taken from the ledger's own copies; of a script that is too large for one, from its file, if that is
 * still what was applied.
 */
import {
  type AppliedScript,
  lockHolder,
  readAppliedScripts,
  readDamage,
  readLedger,
  readMissing,
  type Session,
} from '../adapters/postgres/index.ts';
import { objectChanges } from '../core/plan/compile/object-changes.ts';
import type { LoadParser, SqlParser } from '../core/plan/compile/parser.ts';
import { type Finding, findingOfDamage, findingOfPartial, findingsOfMissing } from '../core/plan/findings.ts';
import { compareRevisions, type MigrationSource, migrationName } from '../core/plan/index.ts';
import { expectedObjects, type ScriptChanges } from '../core/plan/objects.ts';
import { LOOK, withSession } from './open-session.ts';
import type { EngineContext } from './types.ts';

interface Files {
  /** Undefined where there are no files at hand. */
  readonly source: MigrationSource | undefined;
  readonly loadParser: LoadParser;
}

export type VerifyOptions = EngineContext & Files;

export interface VerifyResult {
  readonly findings: readonly Finding[];
  /** How many objects of how many applied migrations were looked up. */
  readonly objects: number;
  readonly migrations: number;
  /** Sentences. */
  readonly notChecked: readonly string[];
}

/** Throws LS2xx for a large file that does not compile, LS3xx, LS605. */
export const verify = (options: VerifyOptions): Promise<VerifyResult> =>
  withSession(options, LOOK, (session) => verifyOn(session, options));

/** The same in a session that is open. */
export async function verifyOn(session: Session, options: Files): Promise<VerifyResult> {
  const { known, notChecked } = await scriptsOf(session, options);
  const expected = expectedObjects(known);
  const damage = await readDamage(session);
  const missing = await readMissing(session, expected);
  const unfinished = await unfinishedIn(session);
  return {
    findings: [...unfinished.findings, ...damage.map(findingOfDamage), ...findingsOfMissing(missing)],
    objects: expected.length,
    migrations: known.length,
    notChecked: [...notChecked, ...unfinished.notChecked],
  };
}

async function unfinishedIn(session: Session): Promise<Pick<VerifyResult, 'findings' | 'notChecked'>> {
  const { partial } = await readLedger(session);
  const holder = partial.length > 0 ? await lockHolder(session) : null;
  if (!holder) return { findings: partial.map(findingOfPartial), notChecked: [] };
  const at = `session ${holder.pid} (${holder.applicationName})`;
  return { findings: [], notChecked: [`Migrations that are half done: ${at} is at work on them.`] };
}

interface Read {
  readonly known: readonly ScriptChanges[];
  readonly notChecked: readonly string[];
}

async function scriptsOf(session: Session, { source, loadParser }: Files): Promise<Read> {
  const scripts = await readAppliedScripts(session);
  if (scripts.length === 0) return { known: [], notChecked: [] };
  const parser = await loadParser();
  const known: ScriptChanges[] = [];
  const notChecked: string[] = [];
  for (const script of scripts) {
    const migration = migrationName(script);
    const sql = script.up ?? (await fromFile(script, source));
    const changes = sql === undefined ? undefined : changesIn(sql, parser);
    if (changes) {
      known.push({ migration, changes });
      continue;
    }
    notChecked.push(
      `What ${migration} creates, and what was created before it: the ledger keeps no copy of it, and its file is not at hand as it was applied.`,
    );
    // It may have dropped anything.
    known.push({ migration, changes: [{ kind: 'unclear', names: undefined }] });
  }
  return { known, notChecked };
}

async function fromFile(
  { revision, sha256, normalizedSha256 }: AppliedScript,
  source: MigrationSource | undefined,
): Promise<string | undefined> {
  const entry = source?.catalog.find((e) => compareRevisions(e.revision, revision) === 0);
  if (!source || !entry) return undefined;
  const [migration] = await source.load([entry.revision]);
  const isIt = migration?.up.sha256 === sha256 || migration?.up.normalizedSha256 === normalizedSha256;
  return isIt ? migration?.up.sql : undefined;
}

function changesIn(sql: string, parser: SqlParser): ScriptChanges['changes'] | undefined {
  const outcome = parser.parse(sql);
  return outcome.ok ? outcome.statements.flatMap(({ node }) => objectChanges(node)) : undefined;
}
