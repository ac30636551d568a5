import type { ApprovalSetting } from '../core/approval/approval.ts';
import { EnvName } from '../core/workflow/state-name.ts';
import { BUNDLE_PATH } from './bundle-layer.ts';
import type { MigrationCoordinatorProps } from './coordinator-props.ts';
import type { ApprovalSettings, CoordinatorSettings } from './coordinator-settings.ts';
import type { ResolvedDatabase } from './database.ts';
import { publishedBundlesEnvironment } from './published-bundles.ts';
import { restorePointEnvironment } from './restore-points.ts';
import { programOf } from './runner.ts';

/** The same for all functions: names and limits, and no secret. What each may use, its role says. */
export function environmentOf(
  settings: CoordinatorSettings,
  { afterRollOut, bundles, runner }: MigrationCoordinatorProps,
  { environment }: ResolvedDatabase,
  names: { readonly leaseTable: string; readonly eventBus: string },
): Record<string, string> {
  const contractsLater = afterRollOut !== undefined && afterRollOut.contract !== false;
  return {
    ...environment,
    [EnvName.target]: settings.target,
    [EnvName.bundlePath]: BUNDLE_PATH,
    [EnvName.leaseTable]: names.leaseTable,
    [EnvName.leaseDurationSeconds]: String(settings.leaseDuration.toSeconds()),
    [EnvName.leaseWaitSeconds]: String(settings.leaseWait.toSeconds()),
    [EnvName.rollBackPolicy]: settings.rollBackPolicy,
    [EnvName.outOfOrder]: settings.outOfOrder,
    [EnvName.eventBusName]: names.eventBus,
    ...(settings.approval ? { [EnvName.approval]: approvalSettingOf(settings.approval) } : {}),
    ...(settings.rehearsal ? { [EnvName.rehearsal]: settings.rehearsal } : {}),
    ...(settings.rehearsalBudget
      ? { [EnvName.rehearsalBudget]: JSON.stringify(settings.rehearsalBudget) }
      : {}),
    ...(settings.taskTimeout
      ? { [EnvName.taskTimeoutSeconds]: String(settings.taskTimeout.toSeconds()) }
      : {}),
    ...restorePointEnvironment(settings.restorePoints),
    ...(contractsLater ? { [EnvName.defaultPhase]: 'expand' } : {}),
    ...publishedBundlesEnvironment(bundles),
    ...(runner ? { [EnvName.foreignCommand]: programOf(runner) } : {}),
  };
}

const approvalSettingOf = ({ when, timeout }: ApprovalSettings): string =>
  JSON.stringify({ when, timeoutSeconds: timeout.toSeconds() } satisfies ApprovalSetting);
