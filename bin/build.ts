/** Builds dist/ for the package: `npm run build`, and before `npm pack`. */
import { join } from 'node:path';
import { buildPackage } from '../lib/build/package.ts';

buildPackage(join(import.meta.dirname, '..'));
