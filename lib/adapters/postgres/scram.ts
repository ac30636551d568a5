/**
 * The arithmetic of a login by password (SCRAM-SHA-256, RFC 7677), done by node:crypto. node-postgres (8.23) has Web Crypto do
 * it, for runtimes that have nothing else, which takes three milliseconds longer each time: a twentieth of a start that
 * finds nothing to do. What is computed is the same; the protocol, and what is checked in it, stay node-postgres's.
 *
 * What can fail: a release of node-postgres that computes elsewhere, where this has no effect (test/adapters tells), or has no
 * such file (the build tells).
 */
import { createHash, createHmac, pbkdf2 } from 'node:crypto';
import { promisify } from 'node:util';
// @ts-expect-error: it has no types, as it is not documented.
import utils from 'pg/lib/crypto/utils.js';

const BYTES = 32;

Object.assign(utils, {
  deriveKey: (password: string, salt: Uint8Array, iterations: number): Promise<Buffer> =>
    promisify(pbkdf2)(password, salt, iterations, BYTES, 'sha256'),
  hmacSha256: (key: Uint8Array, text: string): Buffer => createHmac('sha256', key).update(text).digest(),
  sha256: (bytes: Uint8Array): Buffer => createHash('sha256').update(bytes).digest(),
});
