import { describe, expect, it } from 'vitest';
import type { EngineEvent } from '../../lib/engine/index.ts';
import { siteForTest } from '../engine/site.ts';
import { codeBlocks } from './markdown.ts';

const PAGE = 'docs/non-transactional.md';

describe('the example in docs/non-transactional.md', () => {
  it('is four steps, and is healed with the words of the page', async () => {
    const site = await siteForTest();
    await site.rows(`CREATE TYPE order_state AS ENUM ('open'); CREATE TABLE orders (state order_state, shipped_at date);
      INSERT INTO orders VALUES ('open', '2019-01-01'), ('open', '2026-01-01')`);
    const [sql = ''] = codeBlocks(PAGE, 'sql');
    const told: string[] = [];
    const on = (event: EngineEvent) => {
      if (event.kind === 'step-started') told.push(`${event.step} of ${event.steps}`);
      if (event.kind === 'step-healed') told.push(`${event.migration}, step ${event.step}: ${event.how}`);
    };
    const writer = await site.session('writer');
    // Keeps nobody from writing, and a build waits for whoever may write.
    await writer.query('BEGIN; LOCK TABLE public.orders IN ROW EXCLUSIVE MODE');
    const up = site.up({ '0008_archive.sql': sql }, { on });
    const building = `FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'CREATE INDEX CONCURRENTLY%'
      AND wait_event = 'virtualxid'`;
    await site.until(`SELECT 1 ${building}`);
    await site.rows(`SELECT pg_terminate_backend(pid, 5000) ${building}`);
    await writer.query('COMMIT');
    await up;
    const [healed = '', ...rest] = codeBlocks(PAGE, '')[0]?.trim().split('\n') ?? [];
    expect(rest).toEqual([]);
    expect(told).toEqual(['1 of 4', '2 of 4', '3 of 4', '3 of 4', healed, '4 of 4']);
    expect(await site.rows('SELECT state FROM orders ORDER BY shipped_at')).toEqual([
      { state: 'archived' },
      { state: 'open' },
    ]);
  });
});
