/** What a program sends, and when: a proxy in front of the server that reads along. */
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import type { Program } from './contender.ts';
import { run } from './process.ts';

export interface Traffic {
  /** The server was ready for the next message. */
  roundTrips: number;
  /** Statements that were completed. */
  statements: number;
}

const READY_FOR_QUERY = 'Z'.charCodeAt(0);
const COMMAND_COMPLETE = 'C'.charCodeAt(0);

/** Lets the program reach the database of `url` through the proxy. */
export async function trafficOf(program: (url: string) => Program, url: string): Promise<Traffic> {
  const traffic: Traffic = { roundTrips: 0, statements: 0 };
  await throughProxy(program, url, (_, upstream) => {
    // The first one says that the connection is there.
    traffic.roundTrips -= 1;
    count(upstream, traffic);
  });
  return traffic;
}

/** From the start of the program until it sends something over a connection that the server has accepted. */
export async function firstQueryMs(program: (url: string) => Program, url: string): Promise<number> {
  let atMs: number | undefined;
  const startedMs = await throughProxy(program, url, (client, upstream) => {
    const traffic: Traffic = { roundTrips: 0, statements: 0 };
    count(upstream, traffic);
    client.on('data', () => {
      if (traffic.roundTrips > 0) atMs ??= performance.now();
    });
  });
  if (atMs === undefined) throw new Error('The program asked the server nothing.');
  return atMs - startedMs;
}

/** Gives the time when the program was started, after it has ended. */
async function throughProxy(
  program: (url: string) => Program,
  url: string,
  watch: (client: Socket, upstream: Socket) => void,
): Promise<number> {
  const target = new URL(url);
  const server = createServer((client) => {
    const upstream = connect(Number(target.port), target.hostname);
    for (const socket of [client, upstream]) {
      socket.setNoDelay();
      socket.on('error', () => socket.destroy());
    }
    client.pipe(upstream).pipe(client);
    watch(client, upstream);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const proxied = new URL(url);
  proxied.port = String((server.address() as AddressInfo).port);
  const startedMs = performance.now();
  await run(program(proxied.href));
  await new Promise((resolve) => server.close(resolve));
  return startedMs;
}

/** A message is one byte for its kind, four for the length of the rest, and the rest. */
function count(upstream: Socket, traffic: Traffic): void {
  let unread = Buffer.alloc(0);
  upstream.on('data', (chunk) => {
    unread = Buffer.concat([unread, chunk]);
    while (unread.length >= 5 && unread.length > unread.readUInt32BE(1)) {
      if (unread[0] === READY_FOR_QUERY) traffic.roundTrips += 1;
      if (unread[0] === COMMAND_COMPLETE) traffic.statements += 1;
      unread = unread.subarray(1 + unread.readUInt32BE(1));
    }
  });
}
