/** In front of PostgreSQL, until it is cut: then the connections of that time are gone, and both sides see it. */
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export interface ServerLink {
  /** By which the server is reached. */
  readonly url: string;
  cut(): void;
  close(): Promise<void>;
}

export async function startServerLink(serverUrl: string): Promise<ServerLink> {
  const { port, hostname } = new URL(serverUrl);
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(Number(port), hostname);
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(from);
      from.on('error', () => undefined);
      from.on('close', () => {
        sockets.delete(from);
        to.destroy();
      });
      from.pipe(to);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = new URL(serverUrl);
  url.port = String((server.address() as AddressInfo).port);
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    url: url.href,
    cut,
    async close() {
      cut();
      await new Promise<void>((resolve) => void server.close(() => resolve()));
    },
  };
}
