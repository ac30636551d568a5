import { migrationName } from '../../core/plan/catalog.ts';
import type { Plan } from '../../core/plan/index.ts';
import { some } from './format.ts';

export const heldBackLine = ({ heldBack }: Plan): string =>
  `Left for a run of the phase contract: ${some(heldBack.map(migrationName))}.`;
