/** The scenarios by name, for the command line's help; each is played by the file of its name. */
export const SCENARIOS = {
  success: 'a release is applied, and roll out is signalled',
  'failed-migration': 'its last migration fails: what it applied is reverted, and roll back is signalled',
  'failed-roll-out':
    'ECS takes the deployment back in its bake time: so is the schema, once the old version runs',
  alarm: 'an alarm rings while the new version rolls out: it is stopped and rolled back, the schema stays',
  restored:
    'the new version is unhealthy, and a person has the data of before the run brought back, as a new database',
  'older-bundle': 'the stage rolls back and runs the older release: nothing to do, and nothing is taken back',
  stopped: 'somebody stops the run in the console: it is cleaned up, and the next run finishes',
  approved: 'a person is asked before data is deleted, and again when the plan has become another one',
  refused: 'the person says no: nothing was done, and roll back is signalled',
  'approval-expired': 'nobody answers in time: the same',
} as const satisfies Readonly<Record<string, string>>;

export type ScenarioName = keyof typeof SCENARIOS;
export const SCENARIO_NAMES = Object.keys(SCENARIOS) as readonly ScenarioName[];
