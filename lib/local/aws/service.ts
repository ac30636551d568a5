/** What the stand-in for one AWS service has to provide. */

/** Input and result of an action as plain JSON, whatever the service's protocol. */
// biome-ignore lint/suspicious/noExplicitAny: the shapes are those of the service, one per action
export type Action = (input: any) => unknown;
export type Service = Readonly<Record<string, Action>>;

/** An error in the form in which AWS answers it; `code` is the name under which the SDK throws it. */
export class AwsError extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

export const REGION = 'us-east-1';
export const ACCOUNT = '000000000000';
export const arn = (service: string, resource: string): string =>
  `arn:aws:${service}:${REGION}:${ACCOUNT}:${resource}`;
