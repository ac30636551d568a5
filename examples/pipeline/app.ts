/** Try it: npx cdk synth --app 'node examples/pipeline/app.ts' */
import { join } from 'node:path';
import { App, type AppProps } from 'aws-cdk-lib';
import { DatabaseStack } from './database-stack.ts';
import { PipelineStack } from './pipeline-stack.ts';

export function pipelineApp(props?: AppProps): App {
  const app = new App(props);
  const database = new DatabaseStack(app, 'OrdersDatabase', {
    migrations: join(import.meta.dirname, '..', '..', 'migrations'),
  });
  new PipelineStack(app, 'OrdersPipeline', {
    coordinator: database.coordinator,
    databaseStackName: database.stackName,
    connectionId: '00000000-0000-0000-0000-000000000000',
    vpc: database.vpc,
    clusterName: 'shop',
    serviceName: 'orders',
  });
  return app;
}

if (import.meta.main) pipelineApp().synth();
