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
