/** What the local runtime takes from the synthesized template: the machine, its functions, its table, its rule. */
import type { CreateTableCommandInput } from '@aws-sdk/client-dynamodb';
import type { StateMachineDefinition } from 'aws-local-stepfunctions';
import { ALL_FUNCTION_NAMES, type AnyFunctionName, EnvName } from '../core/workflow/index.ts';
import { type AdaptedDefinition, adaptDefinition } from './adapt-definition.ts';
import type { EventRule } from './aws/events.ts';
import type { ExecutionStatus } from './aws/executions.ts';
import type { TaskDeployment } from './ecs-tasks.ts';
import type { FunctionDeployments } from './lambda-functions.ts';
import { idsOfType, type Resource, resolve, type Template } from './template.ts';

export interface Workflow extends AdaptedDefinition {
  readonly arn: string;
  readonly name: string;
  readonly functions: FunctionDeployments;
  readonly functionByArn: ReadonlyMap<string, AnyFunctionName>;
  /** The container for long work; undefined without one. */
  readonly task: TaskDeployment | undefined;
  readonly leaseTable: CreateTableCommandInput & { readonly TableName: string };
  /** Ends of an execution on which the rule calls the clean-up function. */
  readonly cleanUpStatuses: readonly ExecutionStatus[];
  /** Rules that call one of the functions, but for that of the clean-up. */
  readonly rules: readonly EventRule[];
}

export function readWorkflow(template: Template): Workflow {
  const arnOf = (id: string) => String(resolve(template, { 'Fn::GetAtt': [id, 'Arn'] }));
  const machine = onlyOne(template, 'AWS::StepFunctions::StateMachine');
  const functions = functionsOf(template);
  const functionByArn = new Map(functions.map((f) => [arnOf(f.id), f.name]));
  return {
    arn: arnOf(machine.id),
    name: machine.id,
    ...adaptDefinition(definitionOf(template, machine.resource)),
    functions: Object.fromEntries(functions.map((f) => [f.name, f.deployment])) as FunctionDeployments,
    functionByArn,
    task: taskOf(template),
    leaseTable: tableOf(onlyOne(template, 'AWS::DynamoDB::Table')),
    cleanUpStatuses: cleanUpStatusesOf(template),
    rules: rulesOf(template, functionByArn),
  };
}

function onlyOne(template: Template, type: string): { id: string; resource: Resource } {
  const [id, ...more] = idsOfType(template, type);
  const resource = template.Resources[id ?? ''];
  if (id === undefined || !resource || more.length > 0)
    throw new Error(`The template has not exactly one ${type}`);
  return { id, resource };
}

const definitionOf = (template: Template, { Properties }: Resource): StateMachineDefinition =>
  JSON.parse(String(resolve(template, Properties.DefinitionString)));

function functionsOf(template: Template) {
  return idsOfType(template, 'AWS::Lambda::Function').flatMap((id) => {
    const { Properties, Metadata } = template.Resources[id] as Resource;
    const path = Metadata?.['aws:cdk:path']?.split('/') ?? [];
    const name = ALL_FUNCTION_NAMES.find((candidate) => path.includes(candidate));
    // CDK adds functions of its own, for custom resources.
    if (!name) return [];
    const environment = resolve(template, Properties.Environment.Variables) as Record<string, string>;
    return [{ id, name, deployment: { environment, timeoutMs: Properties.Timeout * 1000 } }];
  });
}

function taskOf(template: Template): TaskDeployment | undefined {
  const containers = idsOfType(template, 'AWS::ECS::TaskDefinition').map(
    (id) => template.Resources[id]?.Properties.ContainerDefinitions[0],
  );
  // An app has tasks of its own.
  const container = containers.find(({ Environment = [] }) =>
    Environment.some(({ Name }: { Name: string }) => Name === EnvName.target),
  );
  if (!container) return undefined;
  const variables = resolve(template, container.Environment) as { Name: string; Value: string }[];
  return {
    environment: Object.fromEntries(variables.map(({ Name, Value }) => [Name, Value])),
    stopTimeoutMs: container.StopTimeout * 1000,
  };
}

function tableOf({
  id,
  resource: { Properties },
}: {
  id: string;
  resource: Resource;
}): Workflow['leaseTable'] {
  const { KeySchema, AttributeDefinitions, BillingMode } = Properties;
  return { TableName: id, KeySchema, AttributeDefinitions, BillingMode };
}

function rulesOf(template: Template, functionByArn: Workflow['functionByArn']): EventRule[] {
  return idsOfType(template, 'AWS::Events::Rule').flatMap((id) => {
    const { EventPattern: pattern, Targets } = template.Resources[id]?.Properties ?? {};
    const functionName = functionByArn.get(String(resolve(template, Targets[0].Arn)));
    if (!functionName || pattern.source?.includes('aws.states')) return [];
    const { source = [], 'detail-type': detailType = [], detail } = pattern;
    return [{ functionName, source, detailType, target: detail?.target }];
  });
}

function cleanUpStatusesOf(template: Template): ExecutionStatus[] {
  const rules = idsOfType(template, 'AWS::Events::Rule').map(
    (id) => template.Resources[id]?.Properties.EventPattern,
  );
  const pattern = rules.find((each) => each?.source?.includes('aws.states'));
  return pattern?.detail.status ?? [];
}
