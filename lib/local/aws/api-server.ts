/**
 * One HTTP server on loopback that answers for the AWS services the functions call. They call it with the SDK,
 * as in the cloud: only `AWS_ENDPOINT_URL` differs, and since it holds for every service, nothing started here
 * can reach AWS by accident.
 *
 * Signatures are not checked. Unknown services and actions are refused, so a call that the stand-in does not
 * know shows at once.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer, text } from 'node:stream/consumers';
import type { LocalObjects, ObjectRequest } from './objects.ts';
import { errorXml, objectErrorXml, parseForm, successXml } from './query-protocol.ts';
import { AwsError, type Service } from './service.ts';

export interface AwsServices {
  readonly rds: Service;
  readonly events: Service;
  readonly states: Service;
  readonly secrets: Service;
  readonly sns: Service;
  readonly codepipeline: Service;
  readonly ecs: Service;
  readonly codedeploy: Service;
  readonly kms: Service;
  /** Whose protocol is HTTP itself. */
  readonly s3: LocalObjects;
}
type ActionService = Exclude<keyof AwsServices, 's3'>;

export interface AwsApi {
  readonly endpoint: string;
  stop(): Promise<void>;
}

export async function startAwsApi(services: AwsServices): Promise<AwsApi> {
  const server = createServer((request, response) => void answer(services, request, response));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

async function answer(
  services: AwsServices,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (request.method !== 'POST') {
    await answerObject(services.s3, request, response);
    return;
  }
  const body = await text(request).catch(() => '');
  const target = request.headers['x-amz-target'];
  if (typeof target === 'string') await answerJson(services, target, body, response);
  else await answerQuery(services, body, response);
}

/** The first part of `x-amz-target`, up to the action. */
const TARGETS: Readonly<Record<string, ActionService>> = {
  AWSEvents: 'events',
  AWSStepFunctions: 'states',
  secretsmanager: 'secrets',
  CodePipeline_20150709: 'codepipeline',
  AmazonEC2ContainerServiceV20141113: 'ecs',
  CodeDeploy_20141006: 'codedeploy',
  TrentService: 'kms',
};
/** Of the services with the query protocol, by the API's date in the form. */
const QUERY_SERVICES: Readonly<Record<string, ActionService>> = {
  '2014-10-31': 'rds',
  '2010-03-31': 'sns',
};

async function answerObject(
  objects: LocalObjects,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const method = request.method as ObjectRequest['method'];
  const url = new URL(request.url ?? '', 'http://localhost');
  const { status, headers, body } = objects.answer({
    method,
    url,
    headers: request.headers,
    body: await buffer(request),
  });
  const { body: content, type } =
    body instanceof AwsError
      ? { body: objectErrorXml(body), type: 'application/xml' }
      : { body, type: 'application/json' };
  response.writeHead(status, { 'content-type': type, ...headers }).end(method === 'HEAD' ? '' : content);
}

async function answerJson(
  services: AwsServices,
  target: string,
  body: string,
  response: ServerResponse,
): Promise<void> {
  const [prefix = '', action = ''] = target.split('.');
  const service = TARGETS[prefix];
  const reply = (status: number, value: unknown) =>
    response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' }).end(JSON.stringify(value));
  try {
    if (!service)
      throw new AwsError('UnknownOperationException', `The local runtime does not know ${target}`);
    reply(200, await perform(services[service], action, JSON.parse(body)));
  } catch (error) {
    const { code, message } = asAwsError(error);
    reply(400, { __type: code, message });
  }
}

async function answerQuery(services: AwsServices, body: string, response: ServerResponse): Promise<void> {
  const reply = (status: number, xml: string) =>
    response.writeHead(status, { 'content-type': 'text/xml' }).end(xml);
  const form = parseForm(body);
  const action = String(form.Action);
  try {
    const service = services[QUERY_SERVICES[String(form.Version)] ?? 'rds'];
    reply(200, successXml(action, await perform(service, action, form)));
  } catch (error) {
    const known = asAwsError(error);
    reply(known.code.includes('NotFound') ? 404 : 400, errorXml(known));
  }
}

async function perform(service: Service, action: string, input: unknown): Promise<unknown> {
  const run = Object.hasOwn(service, action) ? service[action] : undefined;
  if (!run) throw new AwsError('UnknownOperationException', `The local runtime does not know ${action}`);
  return await run(input);
}

const asAwsError = (error: unknown): AwsError =>
  error instanceof AwsError ? error : new AwsError('InternalFailure', String(error));
