import { test } from 'vitest';
import { neverTwoHold, tokensGrow } from './lease-simulation.ts';

const EFFORT = { numRuns: 200 };

test('whatever stands still, crashes or gets lost, tokens grow and a stale attempt changes nothing', () =>
  tokensGrow(EFFORT));

test('while no host stands still, never two hold at a time, whatever their clocks show', () =>
  neverTwoHold(EFFORT));
