/** The way to the server: address, server, pooler, TLS. */
import type { LockstepError } from '../errors/index.ts';
import type { Address, Link } from './facts.ts';
import { type Judgement, note, ofError, ok, problem, runbook } from './judgement.ts';
import { forHowLong } from './words.ts';

export function judgeUnreached(error: LockstepError): Judgement {
  return ofError('connection', error);
}

export function judgeConnection({ host, port }: Address, link: Link): Judgement {
  const role = link.actingAs === link.user ? '' : `, acting as ${link.actingAs}`;
  return ok(
    'connection',
    `${host}:${port} let ${link.user} in${role}, after ${forHowLong(link.tookMs)}; database ${link.database}.`,
  );
}

/** One that is too old refuses the connection (LS309). */
export function judgeServer({ serverVersion, readOnly, database }: Link): Judgement {
  const release = `PostgreSQL ${Math.floor(serverVersion / 10_000)}`;
  if (!readOnly) return ok('server', `${release}, which takes writes.`);
  return problem(
    'server',
    `${database} is read-only for this login: it is a replica, or default_transaction_read_only is on.`,
    "Connect to the writer's address, or with a login that may write.",
    runbook('LS305'),
  );
}

export function judgePooler({ isDirect, isSameSession }: Link): Judgement {
  if (!isSameSession)
    return problem(
      'pooler',
      'A pooler changes the server session between statements, where no advisory lock holds.',
      "Give the server's direct address, or the pooler's session mode.",
      runbook('LS304'),
    );
  if (isDirect) return ok('pooler', 'None: the server itself gave the session.');
  return note(
    'pooler',
    'A pooler stands before the server; it kept to one session while this looked.',
    "If it is not in session mode, give the server's direct address.",
    'docs/servers.md#poolers-and-proxies',
  );
}

export function judgeTls({ host, tls, isLocal }: Address): Judgement {
  if (tls === 'verify') return ok('tls', `Encrypted, and ${host} has proved its name.`);
  if (isLocal) return ok('tls', 'Not encrypted; the server is on this host.');
  return problem(
    'tls',
    `The connection to ${host} is not encrypted: sslmode is disable.`,
    'Take sslmode=disable out of the settings, and give the CA with sslrootcert=FILE if it is one of your own.',
    'docs/cli.md#options-of-every-command',
  );
}
