import { Stack, type StackProps } from 'aws-cdk-lib';
import { BuildSpec, LinuxArmBuildImage, PipelineProject } from 'aws-cdk-lib/aws-codebuild';
import { Artifact, Pipeline, PipelineType, Result } from 'aws-cdk-lib/aws-codepipeline';
import {
  CodeBuildAction,
  CodeStarConnectionsSourceAction,
  EcsDeployAction,
} from 'aws-cdk-lib/aws-codepipeline-actions';
import type { IVpc } from 'aws-cdk-lib/aws-ec2';
import { Cluster, FargateService } from 'aws-cdk-lib/aws-ecs';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import type { MigrationCoordinator } from '../../lib/index.ts';

export interface PipelineStackProps extends StackProps {
  readonly coordinator: MigrationCoordinator;
  /** The stack with the coordinator: deploying it brings the new migrations to the coordinator. */
  readonly databaseStackName: string;
  /** Connection to the place where the source lies. */
  readonly connectionId: string;
  /** Where the app runs already. */
  readonly vpc: IVpc;
  readonly clusterName: string;
  readonly serviceName: string;
}

/** Source → Build → Migrate → Deploy. */
export class PipelineStack extends Stack {
  constructor(scope: Construct, id: string, props: PipelineStackProps) {
    super(scope, id, props);
    const source = new Artifact('Source');
    const image = new Artifact('Image');
    const pipeline = new Pipeline(this, 'Pipeline', { pipelineType: PipelineType.V2 });

    pipeline.addStage({
      stageName: 'Source',
      actions: [
        new CodeStarConnectionsSourceAction({
          actionName: 'Source',
          connectionArn: this.formatArn({
            service: 'codeconnections',
            resource: 'connection',
            resourceName: props.connectionId,
          }),
          owner: 'example',
          repo: 'orders',
          branch: 'main',
          output: source,
        }),
      ],
    });
    pipeline.addStage({
      stageName: 'Build',
      actions: [
        new CodeBuildAction({
          actionName: 'Build',
          project: this.buildProject(props.databaseStackName),
          input: source,
          outputs: [image],
        }),
      ],
    });

    // Without roll-back: run again with an older bundle it would change nothing, and what has to be reverted
    // after a failure the coordinator reverts itself.
    props.coordinator.addToPipeline(pipeline.addStage({ stageName: 'Migrate' }));

    // Only reached when everything is applied. If the new version does not become healthy, the old one comes
    // back; it runs on the new schema, which is why destructive changes wait for a later, contract release.
    pipeline.addStage({
      stageName: 'Deploy',
      onFailure: { result: Result.ROLLBACK },
      actions: [new EcsDeployAction({ actionName: 'Deploy', service: this.appService(props), input: image })],
    });
  }

  private appService({ vpc, clusterName, serviceName }: PipelineStackProps) {
    const cluster = Cluster.fromClusterAttributes(this, 'Cluster', { clusterName, vpc });
    return FargateService.fromFargateServiceAttributes(this, 'Service', { cluster, serviceName });
  }

  private buildProject(databaseStackName: string): PipelineProject {
    const project = new PipelineProject(this, 'Build', {
      environment: { buildImage: LinuxArmBuildImage.AMAZON_LINUX_2023_STANDARD_3_0, privileged: true },
      buildSpec: BuildSpec.fromObject({
        version: '0.2',
        phases: {
          build: {
            commands: [
              'npm ci && npm test',
              // Hands the new migrations to the coordinator; it runs nothing yet.
              `npx cdk deploy ${databaseStackName} --require-approval never`,
              './build-and-push-image.sh',
            ],
          },
        },
        artifacts: { files: ['imagedefinitions.json'] },
      }),
    });
    project.addToRolePolicy(
      new PolicyStatement({
        actions: ['sts:AssumeRole'],
        resources: [this.formatArn({ service: 'iam', region: '', resource: 'role', resourceName: 'cdk-*' })],
      }),
    );
    return project;
  }
}
