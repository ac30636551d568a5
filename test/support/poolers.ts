/** What stands between a client and the server, as connection poolers do; each ends with its test. */
import { once } from 'node:events';
import { type AddressInfo, connect as connectTcp, createServer, type Socket } from 'node:net';
import pg from 'pg';
import { onTestFinished } from 'vitest';

/** A session of the server, taken over from node-pg once it is logged in. */
async function serverSession(url: string): Promise<{ socket: Socket; pid: number }> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  const { connection, processID: pid } = client as unknown as {
    connection: { stream: Socket };
    processID: number;
  };
  const socket = connection.stream.removeAllListeners('data').on('error', () => undefined);
  onTestFinished(() => void socket.destroy());
  return { socket, pid };
}

/** Messages of the protocol, of which those from the server and all but the first from a client begin with a letter. */
function* messages(pending: { bytes: Buffer }, hasType: boolean): Generator<Buffer> {
  for (;;) {
    const head = hasType ? 1 : 0;
    if (pending.bytes.length < head + 4) return;
    const end = head + pending.bytes.readInt32BE(head);
    if (pending.bytes.length < end) return;
    yield pending.bytes.subarray(0, end);
    pending.bytes = pending.bytes.subarray(end);
    hasType = true;
  }
}

/** AuthenticationOk, BackendKeyData if there is a pid to be said, ReadyForQuery. */
function loggedIn(pid: number | undefined): Buffer {
  const key = Buffer.alloc(pid === undefined ? 0 : 13);
  if (pid !== undefined) {
    key.write('K');
    key.writeInt32BE(12, 1);
    key.writeInt32BE(pid, 5);
  }
  return Buffer.concat([
    Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 0]),
    key,
    Buffer.from([0x5a, 0, 0, 0, 5, 0x49]),
  ]);
}
const [QUERY, READY] = ['Q'.charCodeAt(0), 'Z'.charCodeAt(0)];

/**
 * In front of two server sessions: the n-th transaction of a client runs in the one that `pick` says, together with what is
 * sent before it is answered. It keeps them when the client goes, as poolers do. One that is not `honest` says the pid of the first of them at the login. Gives its port.
 */
export async function sharingPooler(
  url: string,
  pick: (transaction: number) => 0 | 1,
  isHonest = true,
): Promise<number> {
  const [first, second] = [await serverSession(url), await serverSession(url)];
  const sessions = [first.socket, second.socket] as const;
  const server = createServer((client) => {
    client.on('error', () => undefined);
    let count = 0;
    let inTransaction = false;
    let unanswered = 0;
    let session: Socket = sessions[0];
    const sent = { bytes: Buffer.alloc(0) };
    let begun = false;
    client.on('data', (chunk) => {
      sent.bytes = Buffer.concat([sent.bytes, chunk]);
      for (const message of messages(sent, begun)) {
        if (!begun) client.write(loggedIn(isHonest ? undefined : first.pid));
        else if (message[0] === QUERY) {
          if (!inTransaction && unanswered === 0) session = sessions[pick(count++)];
          unanswered += 1;
          if (session.destroyed) client.destroy();
          else session.write(message);
        }
        begun = true;
      }
    });
    for (const each of sessions) {
      const received = { bytes: Buffer.alloc(0) };
      // Whole answers: of an error a client hears before the server is ready for more, and may go on at once.
      let answer: Buffer[] = [];
      const receive = (chunk: Buffer) => {
        received.bytes = Buffer.concat([received.bytes, chunk]);
        for (const message of messages(received, true)) {
          answer.push(message);
          if (message[0] !== READY) continue;
          inTransaction = message[5] !== 'I'.charCodeAt(0);
          unanswered -= 1;
          client.write(Buffer.concat(answer));
          answer = [];
        }
      };
      const close = () => client.destroy();
      each.on('data', receive).once('close', close);
      client.once('close', () => each.off('data', receive).off('close', close));
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

/** In front of the server; each client gets a pid that is not its session's, as poolers do it. Gives its port. */
export async function renumberingPooler(url: string): Promise<number> {
  const { hostname: host, port } = new URL(url);
  const pooler = createServer((client) => {
    const session = connectTcp(Number(port), host).on('error', () => client.destroy());
    client.on('error', () => session.destroy()).pipe(session);
    session.on('data', (bytes: Buffer) => {
      const keyData = bytes.indexOf(Buffer.from([0x4b, 0, 0, 0, 12]));
      if (keyData >= 0) bytes.writeInt32BE(bytes.readInt32BE(keyData + 5) + 1_000_000, keyData + 5);
      client.write(bytes);
    });
    session.on('close', () => client.destroy());
  });
  pooler.listen(0, '127.0.0.1');
  await once(pooler, 'listening');
  onTestFinished(() => void pooler.close());
  return (pooler.address() as AddressInfo).port;
}

/** In front of a server that takes its time to close: a client that leaves hears of it when `close` is called. */
export async function lingeringServer(url: string): Promise<{ readonly port: number; close(): void }> {
  const { hostname: host, port } = new URL(url);
  const clients: Socket[] = [];
  const server = createServer({ allowHalfOpen: true }, (client) => {
    clients.push(client.on('error', () => undefined));
    const session = connectTcp(Number(port), host).on('error', () => undefined);
    client.pipe(session);
    session.pipe(client, { end: false });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = () => {
    for (const client of clients) client.destroy();
  };
  onTestFinished(() => {
    close();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, close };
}
