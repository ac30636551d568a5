import { webcrypto } from 'node:crypto';
import { expect, test, vi } from 'vitest';
import { connect } from '../../lib/adapters/postgres/connect.ts';
import { systemClock } from '../../lib/adapters/process/clock.ts';
import { failureOf, siteForTest } from '../engine/site.ts';

const subtle = ['importKey', 'deriveBits', 'sign', 'digest'] as const;

test('a login by password is computed without Web Crypto, and a wrong one is refused', async () => {
  const { database } = await siteForTest();
  const asked = subtle.map((name) => vi.spyOn(webcrypto.subtle, name));
  const session = await connect({ config: database, clock: systemClock, applicationName: 'lockstep tests' });
  expect(await session.query('SELECT pg_catalog.current_setting($$password_encryption$$) AS by')).toEqual([
    { by: 'scram-sha-256' },
  ]);
  await session.end();
  for (const spy of asked) expect(spy).not.toHaveBeenCalled();

  const wrong = { ...database, password: 'another one' };
  const refused = connect({ config: wrong, clock: systemClock, applicationName: 'lockstep tests' });
  expect(await failureOf(refused)).toMatchObject({ code: 'LS302' });
  for (const spy of asked) spy.mockRestore();
});
