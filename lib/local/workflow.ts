/** What the local runtime takes from the synthesized template: the machines, their functions, their table, their rules. */
import type { CreateTableCommandInput } from '@aws-sdk/client-dynamodb';
import type { StateMachineDefinition } from 'aws-local-stepfunctions';
import { ALL_FUNCTION_NAMES, type AnyFunctionName, EnvName } from '../core/workflow/index.ts';
import { type AdaptedDefinition, adaptDefinition } from './adapt-definition.ts';
import type { EventRule } from './aws/events.ts';
import type { ExecutionStatus } from './aws/executions.ts';
import { arn } from './aws/service.ts';
import type { TaskDeployment } from './ecs-tasks.ts';
import type { FunctionDeployments } from './lambda-functions.ts';
import { idsOfType, type Resource, resolve, type Template } from './template.ts';

/** A state machine, and what its tasks call. */
export interface Machine extends AdaptedDefinition {
  readonly arn: string;
  readonly name: string;
  readonly functionByArn: ReadonlyMap<string, AnyFunctionName>;
  /** Ends of an execution on which the rule calls the clean-up function. */
  readonly cleanUpStatuses: readonly ExecutionStatus[];
}

export interface Workflow extends Machine {
  /** The machine that follows roll-outs; undefined without one. */
  readonly afterRollOut: Machine | undefined;
  readonly functions: FunctionDeployments;
  /** The container for long work; undefined without one. */
  readonly task: TaskDeployment | undefined;
  readonly leaseTable: CreateTableCommandInput & { readonly TableName: string };
  /** Rules that call one of the functions, but for that of the clean-up. */
  readonly rules: readonly EventRule[];
}

export function readWorkflow(template: Template): Workflow {
  const arnOf = (id: string) => String(resolve(template, { 'Fn::GetAtt': [id, 'Arn'] }));
  const functions = functionsOf(template);
  const functionByArn = new Map(functions.map((f) => [arnOf(f.id), f.name]));
  const machines = idsOfType(template, 'AWS::StepFunctions::StateMachine');
  const machineOf = (id: string, name: string, cleanUpStatuses: readonly ExecutionStatus[]): Machine => ({
    arn: arn('states', `stateMachine:${name}`),
    name,
    ...adaptDefinition(definitionOf(template, template.Resources[id] as Resource)),
    functionByArn,
    cleanUpStatuses,
  });
  const afterRollOut = machines.find((id) => pathOf(template, id).includes('AfterRollOut'));
  const [machine = '', ...others] = machines.filter((id) => id !== afterRollOut);
  if (machine === '' || others.length > 0) throw new Error('The template has not exactly one workflow');
  return {
    ...machineOf(machine, machine, cleanUpStatusesOf(template)),
    // The workflow knows it by its name, before it is there.
    afterRollOut:
      afterRollOut === undefined ? undefined : machineOf(afterRollOut, nameOf(template, afterRollOut), []),
    functions: Object.fromEntries(functions.map((f) => [f.name, f.deployment])) as FunctionDeployments,
    task: taskOf(template),
    leaseTable: tableOf(onlyOne(template, 'AWS::DynamoDB::Table')),
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

const nameOf = (template: Template, id: string): string =>
  template.Resources[id]?.Properties.StateMachineName;

/** Ids of the constructs around a resource. */
const pathOf = (template: Template, id: string): readonly string[] =>
  template.Resources[id]?.Metadata?.['aws:cdk:path']?.split('/') ?? [];

function functionsOf(template: Template) {
  return idsOfType(template, 'AWS::Lambda::Function').flatMap((id) => {
    const { Properties } = template.Resources[id] as Resource;
    const path = pathOf(template, id);
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
    command: container.Command,
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
    // A rule without a pattern is a schedule.
    if (!functionName || !pattern || pattern.source?.includes('aws.states')) return [];
    const { source = [], 'detail-type': detailType = [], detail } = pattern;
    const object = detail?.object && { bucket: detail.bucket.name, key: detail.object.key };
    return [{ functionName, source, detailType, target: detail?.target, ...(object ? { object } : {}) }];
  });
}

function cleanUpStatusesOf(template: Template): ExecutionStatus[] {
  const rules = idsOfType(template, 'AWS::Events::Rule').map(
    (id) => template.Resources[id]?.Properties.EventPattern,
  );
  const pattern = rules.find((each) => each?.source?.includes('aws.states'));
  return pattern?.detail.status ?? [];
}
