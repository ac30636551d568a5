/** At the boundary of the SDK: what an adapter sends, and what it makes of answers. */
import { RDSClient } from '@aws-sdk/client-rds';

export type Command = { readonly input: object };
type Answer = object | Error;

/** A client that answers each command from a list, by the command's class, and keeps what it was sent. */
export class ScriptedRds extends RDSClient {
  readonly sent: { readonly command: Command; readonly input: object }[] = [];
  readonly #answers: [new (input: never) => Command, Answer[]][];

  constructor(...answers: [new (input: never) => Command, Answer[]][]) {
    super({ region: 'eu-west-1', credentials: { accessKeyId: 'a', secretAccessKey: 'b' } });
    this.#answers = answers;
    this.send = (async (command: Command) => {
      // As it is now: the paginator uses its input again.
      this.sent.push({ command, input: { ...command.input } });
      const answer = this.#answers.find(([type]) => command instanceof type)?.[1].shift();
      if (answer === undefined) throw new Error(`nobody expected ${command.constructor.name}`);
      if (answer instanceof Error) throw answer;
      return answer;
    }) as unknown as typeof this.send;
  }

  /** Inputs of all commands of a class, in order. */
  inputsOf(type: new (input: never) => Command): object[] {
    return this.sent.filter(({ command }) => command instanceof type).map(({ input }) => input);
  }
}

export const fault = (name: string) => Object.assign(new Error('as AWS says it'), { name });
