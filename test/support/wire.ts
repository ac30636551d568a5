/** In front of a server, listening: every query that clients send, as it goes over the wire. */
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

const QUERY = 'Q'.charCodeAt(0);

/** Gives the URL by which the server is reached, and the texts of the messages so far. */
export async function listenIn(url: string): Promise<{ readonly url: string; readonly queries: string[] }> {
  const target = new URL(url);
  const queries: string[] = [];
  const server = createServer((client) => {
    const upstream = connect(Number(target.port), target.hostname);
    for (const socket of [client, upstream]) socket.on('error', () => socket.destroy());
    client.pipe(upstream).pipe(client);
    readAlong(client, queries);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const proxied = new URL(url);
  proxied.port = String((server.address() as AddressInfo).port);
  return { url: proxied.href, queries };
}

/** The first message has no letter in front, any other one has; then the length of the rest, and the rest. */
function readAlong(client: Socket, queries: string[]): void {
  let unread = Buffer.alloc(0);
  let head = 0;
  client.on('data', (chunk) => {
    unread = Buffer.concat([unread, chunk]);
    while (unread.length >= head + 4 && unread.length >= head + unread.readUInt32BE(head)) {
      const end = head + unread.readUInt32BE(head);
      if (head === 1 && unread[0] === QUERY) queries.push(unread.toString('utf8', 5, end - 1));
      unread = unread.subarray(end);
      head = 1;
    }
  });
}

/**
 * In front of a server: it lets everybody log in, and holds the queries of those connections (from 1 on) of which `holds`
 * says so, as a pooler does that is full. Gives its port.
 */
export async function holdQueries(url: string, holds: (connection: number) => boolean): Promise<number> {
  const { port, hostname } = new URL(url);
  let connections = 0;
  const server = createServer((client) => {
    const number = ++connections;
    const upstream = connect(Number(port), hostname);
    for (const socket of [client, upstream]) socket.on('error', () => socket.destroy());
    client.on('close', () => upstream.destroy());
    upstream.pipe(client);
    // A query is a chunk of its own: the client waits for the end of what was before.
    client.on('data', (chunk) => {
      if (chunk[0] !== QUERY || !holds(number)) upstream.write(chunk);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

/**
 * In front of a server, until `cut` is called: then what is sent over the connections of that time, in either direction,
 * arrives nowhere, and nobody is told. Later ones are as they should be. Gives the URL by which the server is reached.
 */
export async function silentlyCut(url: string): Promise<{ readonly url: string; cut(): void }> {
  const target = new URL(url);
  let links: { isCut: boolean }[] = [];
  const server = createServer((client) => {
    const link = { isCut: false };
    links.push(link);
    const upstream = connect(Number(target.port), target.hostname);
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      from.on('error', () => from.destroy());
      from.on('data', (chunk) => link.isCut || to.write(chunk));
      from.on('close', () => link.isCut || to.destroy());
      onTestFinished(() => void from.destroy());
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const proxied = new URL(url);
  proxied.port = String((server.address() as AddressInfo).port);
  const cut = () => {
    for (const link of links) link.isCut = true;
    links = [];
  };
  return { url: proxied.href, cut };
}
