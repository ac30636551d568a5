/** Counting what a program sends: a proxy in front of the server that reads along. */
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import type { Program } from './contender.ts';
import { start } from './process.ts';

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
  const target = new URL(url);
  const server = createServer((client) => {
    const upstream = connect(Number(target.port), target.hostname);
    for (const socket of [client, upstream]) socket.on('error', () => socket.destroy());
    client.pipe(upstream).pipe(client);
    // The first one says that the connection is there.
    traffic.roundTrips -= 1;
    count(upstream, traffic);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const proxied = new URL(url);
  proxied.port = String((server.address() as AddressInfo).port);
  await start(program(proxied.href)).ended;
  await new Promise((resolve) => server.close(resolve));
  return traffic;
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
