/** Options of several commands. */
import { Option } from 'commander';
import { OUT_OF_ORDER_POLICIES } from '../../core/plan/out-of-order.ts';
import { RUN_PHASES } from '../../core/plan/phase.ts';

export const runPhase = (): Option =>
  new Option('--phase <phase>', 'only expand (with back-fills), or only contract').choices(RUN_PHASES);

export const lockWait = (): Option =>
  new Option('--lock-wait <duration>', 'longest wait of a step for its locks (default: 60s)');

export const outOfOrder = (): Option =>
  new Option('--out-of-order <policy>', 'revisions below the highest applied one (default: refuse)').choices(
    OUT_OF_ORDER_POLICIES,
  );
