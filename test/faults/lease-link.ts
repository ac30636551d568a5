/**
 * Between the processes of a scenario and the DynamoDB API: it counts what each of them writes, and makes one fail beside
 * one of its writes, which it holds meanwhile. Each process has a path of its own.
 */
import {
  Agent,
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import type { FaultKind, Put } from './fault.ts';
import type { FaultyProcess } from './faulty-process.ts';

export interface LeaseFault {
  readonly place: Put;
  /** `refused`: this write and all later ones, as by a table that is throttled, until the process gives up its attempt. */
  readonly kind: FaultKind | 'refused';
}

export interface LeaseLink {
  /** The endpoint for one process, which is asked for only when it has begun to write. */
  endpointFor(process: () => FaultyProcess, fault?: LeaseFault): string;
  close(): Promise<void>;
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

interface Exchange {
  readonly request: IncomingMessage;
  readonly body: Buffer;
  readonly response: ServerResponse;
  /** What the table says to it. */
  forward(): Promise<Answer>;
}

const THROTTLED: Answer = {
  status: 400,
  headers: { 'content-type': 'application/x-amz-json-1.0' },
  body: Buffer.from(
    '{"__type":"com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException","message":"throttled"}',
  ),
};

export async function startLeaseLink(endpoint: string): Promise<LeaseLink> {
  const agent = new Agent({ keepAlive: true });
  const clients: Client[] = [];
  const server = createServer(async (request, response) => {
    const client = clients[Number(request.url?.match(/\d+/)?.[0])];
    const body = await buffer(request);
    const forward = () => send(endpoint, agent, request, body);
    // Whoever is gone, or whose table is, gets no answer.
    await client?.serve({ request, body, response, forward }).catch(() => request.socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    endpointFor: (process, fault) =>
      `http://127.0.0.1:${port}/${clients.push(new Client(process, fault)) - 1}`,
    async close() {
      agent.destroy();
      server.closeAllConnections();
      await new Promise<void>((resolve) => void server.close(() => resolve()));
    },
  };
}

function send(endpoint: string, agent: Agent, { method, headers }: IncomingMessage, body: Buffer) {
  return new Promise<Answer>((resolve, reject) => {
    const sent = httpRequest(endpoint, { method, headers, agent }, (reply) => {
      const { statusCode: status = 0, headers: given } = reply;
      buffer(reply).then((content) => resolve({ status, headers: given, body: content }), reject);
    });
    sent.once('error', reject).end(body);
  });
}

const answer = (response: ServerResponse, { status, headers, body }: Answer) =>
  response.writeHead(status, headers).end(body);

class Client {
  readonly #process: () => FaultyProcess;
  readonly #fault: LeaseFault | undefined;
  #puts = 0;
  #isOver = false;

  constructor(process: () => FaultyProcess, fault: LeaseFault | undefined) {
    this.#process = process;
    this.#fault = fault;
  }

  async serve(exchange: Exchange): Promise<void> {
    const { request, response, forward } = exchange;
    const fault = this.#faultAt(exchange);
    if (!fault) return void answer(response, await forward());
    const { place, kind } = fault;
    if (kind === 'refused') return void answer(response, THROTTLED);
    this.#isOver = true;
    this.#process().isStruck = true;
    const reply = place.when === 'sent' ? await forward() : undefined;
    if (kind !== 'cut') await this.#fail(kind);
    if (kind !== 'SIGSTOP') return void request.socket.destroy();
    await this.#process().continued;
    answer(response, reply ?? (await forward()));
  }

  #faultAt({ request, body }: Exchange): LeaseFault | undefined {
    if (!String(request.headers['x-amz-target']).endsWith('.PutItem')) return undefined;
    this.#puts += 1;
    const fault = this.#fault;
    if (!fault || this.#isOver) return undefined;
    const { put } = fault.place;
    if (fault.kind === 'refused') {
      this.#isOver = /Trying again/.test(this.#process().told);
      return !this.#isOver && this.#puts >= Number(put) ? fault : undefined;
    }
    const isIt = put === 'release' ? body.includes('"FREE"') : this.#puts === put;
    return isIt ? fault : undefined;
  }

  async #fail(kind: 'SIGKILL' | 'SIGSTOP'): Promise<void> {
    this.#process().signal(kind);
    await this.#process().hasFailed(kind);
  }
}
