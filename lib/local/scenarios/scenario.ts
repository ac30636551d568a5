import type { Stage } from '../demo/stage.ts';
import type { StackOptions } from '../synthesize.ts';

export interface Scenario {
  /** What its stack has beside the coordinator as it is by default. */
  readonly stack?: StackOptions;
  /** Whether restore points are taken, which copies the server's data; default: no. */
  readonly takesRestorePoints?: boolean;
  /** Plays the flow and checks what is promised of it; gives what came of it in a few words. */
  play(stage: Stage): Promise<string>;
}
