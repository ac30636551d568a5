/**
 * Settings of the functions, from their environment. Each function asks for those it uses; all problems are
 * collected into one LS102, so that a person mends them in one go.
 */
import * as z from 'zod';
import { configurationError } from '../../lib/adapters/postgres/config.ts';
import { approvalSettingSchema } from '../../lib/core/approval/index.ts';
import { OUT_OF_ORDER_POLICIES } from '../../lib/core/plan/out-of-order.ts';
import { publishedSettingSchema } from '../../lib/core/published/address.ts';
import { budgetSchema } from '../../lib/core/rehearsal/document.ts';
import { REHEARSAL_POLICIES } from '../../lib/core/rehearsal/policy.ts';
import { RESTORE_POINT_METHODS, RESTORE_POINT_WHEN } from '../../lib/core/restore-point/policy.ts';
import { receiversSchema } from '../../lib/core/rollout/index.ts';
import { EnvName } from '../../lib/core/workflow/index.ts';

const text = z.string({ error: 'is not set' }).min(1);
const positive = z
  .string({ error: 'is not set' })
  .regex(/^[1-9]\d{0,8}$/, 'is not a positive whole number')
  .transform(Number);
const oneOf = <const Values extends readonly [string, ...string[]]>(values: Values) =>
  z.enum(values, {
    error: ({ input }) => (input === undefined ? 'is not set' : `is none of ${values.join(', ')}`),
  });

const json = <Schema extends z.ZodType>(schema: Schema) =>
  z
    .string({ error: 'is not set' })
    .transform((value, context) => {
      try {
        return JSON.parse(value) as unknown;
      } catch {
        context.addIssue('is not JSON');
        return z.NEVER;
      }
    })
    .pipe(schema);

const FIELDS = {
  target: text,
  leaseTable: text,
  leaseDurationSeconds: positive,
  leaseWaitSeconds: positive,
  bundlePath: text,
  bundles: json(publishedSettingSchema).optional(),
  databaseHost: text,
  databasePort: positive,
  databaseName: text,
  databaseUser: text.optional(),
  databaseSecretArn: text.optional(),
  databaseTls: oneOf(['verify', 'disable']).default('verify'),
  restorePointKind: oneOf(['none', 'rds-instance', 'rds-cluster']),
  restorePointSource: text,
  restorePointMethod: oneOf(RESTORE_POINT_METHODS),
  restorePointKeep: positive,
  restorePointKeepDays: positive.optional(),
  restorePointWhen: oneOf(RESTORE_POINT_WHEN).default('always'),
  rollBackPolicy: oneOf(['down', 'code-only']),
  outOfOrder: oneOf(OUT_OF_ORDER_POLICIES).default('refuse'),
  approval: json(approvalSettingSchema).optional(),
  rehearsal: oneOf(REHEARSAL_POLICIES).optional(),
  rehearsalBudget: json(budgetSchema).optional(),
  copyKind: oneOf(['rds-instance', 'rds-cluster']),
  copySource: text,
  defaultPhase: oneOf(['expand']).optional(),
  restoreTimeoutSeconds: positive,
  eventBusName: text,
  receivers: json(receiversSchema),
  stateMachineArn: text,
  reportBucket: text,
  reportPrefix: z.string().default(''),
  foreignCommand: text.optional(),
  taskTimeoutSeconds: positive.optional(),
  taskInput: text,
} as const satisfies Record<keyof typeof EnvName, z.ZodType>;

type Fields = typeof FIELDS;
export type SettingName = keyof Fields;
export type Settings<Name extends SettingName = SettingName> = { readonly [K in Name]: z.output<Fields[K]> };

export const DATABASE_SETTINGS = [
  'databaseHost',
  'databasePort',
  'databaseName',
  'databaseUser',
  'databaseSecretArn',
  'databaseTls',
] as const satisfies SettingName[];

/** Throws LS102. An empty value counts as absent. */
export function readSettings<const Name extends SettingName>(names: readonly Name[]): Settings<Name> {
  const problems: string[] = [];
  const settings: Partial<Record<SettingName, unknown>> = {};
  for (const name of names) {
    const parsed = FIELDS[name].safeParse(process.env[EnvName[name]] || undefined);
    if (parsed.success) settings[name] = parsed.data;
    else problems.push(`${EnvName[name]} ${parsed.error.issues.map((issue) => issue.message).join(', ')}`);
  }
  const asked: readonly SettingName[] = names;
  if (asked.includes('databaseUser') && !settings.databaseUser && !settings.databaseSecretArn) {
    problems.push(`one of ${EnvName.databaseSecretArn} and ${EnvName.databaseUser} has to be set`);
  }
  if (problems.length > 0) throw configurationError(problems);
  return settings as Settings<Name>;
}
