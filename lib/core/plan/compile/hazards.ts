/**
 * Hazards: what a statement does that cannot be undone, or that keeps a table locked for as long as it is large.
 * They are shown before anything runs and never stop a run by themselves.
 *
 * Rules are data. They see one statement and no database: ALTER COLUMN TYPE counts as a rewrite although some
 * changes are none, and what a function body or a DO block does is not looked at.
 */
import type { Hazard } from '../bundle.ts';
import { destructiveRules } from './destructive-rules.ts';
import type { HazardRule } from './hazard-rule.ts';
import type { ParsedStatement, SqlParser } from './parser.ts';
import { rewriteRules } from './rewrite-rules.ts';
import { SourceText } from './source-text.ts';

export const HAZARD_RULES: readonly HazardRule[] = [...destructiveRules, ...rewriteRules];

/** Hazards of a script, in the order of its lines. */
export function hazardsOf(source: SourceText, statements: readonly ParsedStatement[]): Hazard[] {
  const hazards = statements.flatMap(({ node, start }) =>
    HAZARD_RULES.flatMap((rule) =>
      rule.find(node).map(({ subject, at = start }) => ({
        rule: rule.id,
        class: rule.class,
        line: source.lineAt(at),
        message: rule.message(subject),
        advice: rule.advice,
      })),
    ),
  );
  return hazards.sort((a, b) => a.line - b.line);
}

/** Of SQL that was compiled before; none of what this parser does not accept. */
export function hazardsOfSql(name: string, sql: string, parser: SqlParser): Hazard[] {
  const outcome = parser.parse(sql);
  return outcome.ok ? hazardsOf(new SourceText(name, Buffer.from(sql)), outcome.statements) : [];
}
