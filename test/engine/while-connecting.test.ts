import { expect, it } from 'vitest';
import { whileConnecting } from '../../lib/engine/index.ts';
import { LEFT_BEHIND, siteForTest } from './site.ts';

it('what was read ahead is for the session that read it, once; a session that nobody takes is ended', async () => {
  const site = await siteForTest();
  const other = await site.session('lockstep tests');
  await whileConnecting(
    site.context(),
    async () => undefined,
    async (_, opening) => {
      const own = await opening.takeSession()!;
      expect(await opening.takeLedger(other)).toBeUndefined();
      expect(await opening.takeLedger(own)).toMatchObject({ current: [], lastEntryId: '0' });
      expect([await opening.takeLedger(own), opening.takeSession()]).toEqual([undefined, undefined]);
      await own.end();
    },
  );
  await other.end();
  await whileConnecting(
    site.context(),
    async () => undefined,
    async () => undefined,
  );
  expect(await site.rows(LEFT_BEHIND)).toEqual([]);
});
