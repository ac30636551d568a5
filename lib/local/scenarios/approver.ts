/** The person who is asked: gets the message of the topic, and does what it says. */
import { SendTaskFailureCommand, SendTaskSuccessCommand } from '@aws-sdk/client-sfn';
import type { Message } from '../aws/deployers.ts';
import { type Stage, startRun } from '../demo/stage.ts';
import { DROPPING } from './releases.ts';
import { release, stepFunctions } from './scenes.ts';

export const WHO = 'Ann';

/** The next message to the topic. */
export const nextRequest = ({ runtime }: Stage): Promise<Message> =>
  new Promise((resolve) => runtime.cloud.deployers.onMessage(resolve));

/** Begins the release of an app that deletes something, up to the moment in which the person is asked. */
export async function releaseAsking(stage: Stage) {
  const { bundleFile } = await release(stage, 'new-version', DROPPING);
  const deployment = stage.runtime.cloud.deploy(bundleFile);
  const asked = nextRequest(stage);
  const execution = startRun(stage, deployment);
  return { deployment, execution, request: await asked };
}

/** As it is shown on a phone, but for the token, which is longer than any screen. */
export function showRequest({ narrator }: Stage, { subject, text }: Message): void {
  const lines = text
    .replace(/^TOKEN='(.{12}).*'$/m, "TOKEN='$1...'")
    .trimEnd()
    .split('\n');
  narrator.say('');
  for (const line of [subject, '', ...lines]) narrator.say(`  | ${line}`.trimEnd());
  narrator.say('');
}

/** Sends what the command of the message would. Throws the SDK's TaskTimedOut when nobody waits for it any more. */
export async function approve(stage: Stage, request: Message): Promise<void> {
  const output = argument(request, 'send-task-success', 'task-output').replace('YOUR NAME', WHO);
  await stepFunctions(stage).send(new SendTaskSuccessCommand({ taskToken: tokenIn(request), output }));
}

/** As `approve`. */
export async function refuse(stage: Stage, request: Message, why: string): Promise<void> {
  const error = argument(request, 'send-task-failure', 'error');
  const cause = argument(request, 'send-task-failure', 'cause').replace('YOUR NAME', WHO).replace('WHY', why);
  await stepFunctions(stage).send(new SendTaskFailureCommand({ taskToken: tokenIn(request), error, cause }));
}

/** The name of the error that an answer gets; undefined when it is taken. */
export const refusalOf = (answer: Promise<void>): Promise<string | undefined> =>
  answer.then(
    () => undefined,
    (error: Error) => error.name,
  );

const tokenIn = ({ text }: Message): string => /^TOKEN='(.+)'$/m.exec(text)?.[1] ?? '';

/** Of one of the commands, as the shell would have it. */
function argument({ text }: Message, command: string, name: string): string {
  const [line = ''] = new RegExp(`^aws stepfunctions ${command} .*$`, 'm').exec(text) ?? [];
  const [, quoted, plain] = new RegExp(` --${name} (?:'([^']*)'|(\\S+))`).exec(line) ?? [];
  return quoted ?? plain ?? '';
}
