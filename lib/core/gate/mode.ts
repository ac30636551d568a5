export const GATE_MODES = ['off', 'wait', 'run'] as const;
export type GateMode = (typeof GATE_MODES)[number];

export type GateChoice =
  | { readonly kind: 'asked'; readonly mode: GateMode }
  | { readonly kind: 'default'; readonly mode: 'run' }
  /** It would migrate, but for the platform, of which this is the name. */
  | { readonly kind: 'left-to-others'; readonly mode: 'wait'; readonly deployment: string }
  | { readonly kind: 'not-understood'; readonly given: string };

/**
 * What an app that calls `migrateOnStartup` does.
 *
 * @param asked LOCKSTEP_MIGRATE; empty counts as absent
 * @param deployment the name of a platform with many instances
 */
export function chooseMode(asked: string | undefined, deployment: string | undefined): GateChoice {
  if (asked) {
    const mode = GATE_MODES.find((each) => each === asked);
    return mode ? { kind: 'asked', mode } : { kind: 'not-understood', given: asked };
  }
  if (deployment === undefined) return { kind: 'default', mode: 'run' };
  return { kind: 'left-to-others', mode: 'wait', deployment };
}
