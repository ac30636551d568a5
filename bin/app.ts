/** The CDK app: `npx cdk synth`, `npx cdk deploy`. It is checked with cdk-nag; a finding fails the synthesis. */
import { join } from 'node:path';
import { App, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import { CoordinatorStack } from '../lib/coordinator-stack.ts';

const app = new App();
new CoordinatorStack(app, 'Lockstep', { migrations: join(import.meta.dirname, '..', 'migrations') });
Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
