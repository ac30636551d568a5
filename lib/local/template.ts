/**
 * Reads a synthesized CloudFormation template the way CloudFormation would, as far as the coordinator's uses it:
 * references become names and ARNs of the local runtime. An unknown intrinsic function is an error, not a guess.
 */
import { ACCOUNT, arn, REGION } from './aws/service.ts';

export interface Resource {
  readonly Type: string;
  // biome-ignore lint/suspicious/noExplicitAny: the shape depends on the type of the resource
  readonly Properties: any;
  readonly Metadata?: { readonly 'aws:cdk:path'?: string };
}

export interface Template {
  readonly Resources: Readonly<Record<string, Resource>>;
  readonly Parameters?: Readonly<Record<string, { readonly Default?: string }>>;
}

const PSEUDO_PARAMETERS: Readonly<Record<string, string>> = {
  'AWS::Partition': 'aws',
  'AWS::Region': REGION,
  'AWS::AccountId': ACCOUNT,
  'AWS::URLSuffix': 'amazonaws.com',
  'AWS::StackName': 'lockstep-local',
};

const ARN_PREFIXES: Readonly<Record<string, readonly [service: string, resource: string]>> = {
  'AWS::Lambda::Function': ['lambda', 'function:'],
  'AWS::StepFunctions::StateMachine': ['states', 'stateMachine:'],
  'AWS::DynamoDB::Table': ['dynamodb', 'table/'],
  'AWS::SNS::Topic': ['sns', ''],
};

const REFERRED_TO_BY_ARN: readonly string[] = ['AWS::StepFunctions::StateMachine', 'AWS::SNS::Topic'];

type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

/** The value with every reference replaced. Throws on what this reader does not know. */
export function resolve(template: Template, value: Json): Json {
  if (Array.isArray(value)) return value.map((entry) => resolve(template, entry));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value as { readonly [key: string]: Json });
  const [only] = entries;
  if (entries.length === 1 && only && (only[0] === 'Ref' || only[0].startsWith('Fn::'))) {
    return intrinsic(template, only[0], only[1]);
  }
  return Object.fromEntries(entries.map(([key, child]) => [key, resolve(template, child)]));
}

function intrinsic(template: Template, name: string, argument: Json): Json {
  switch (name) {
    case 'Ref':
      return reference(template, String(argument));
    case 'Fn::GetAtt': {
      const [id, attribute] = argument as readonly string[];
      return attributeOf(template, String(id), String(attribute));
    }
    case 'Fn::Join': {
      const [separator, parts] = argument as readonly [string, readonly Json[]];
      return parts.map((part) => String(resolve(template, part))).join(separator);
    }
    default:
      throw new Error(`The local runtime does not know ${name}`);
  }
}

function reference(template: Template, id: string): string {
  const known = PSEUDO_PARAMETERS[id] ?? template.Parameters?.[id]?.Default;
  if (known !== undefined) return known;
  if (REFERRED_TO_BY_ARN.includes(template.Resources[id]?.Type ?? ''))
    return attributeOf(template, id, 'Arn');
  if (template.Resources[id]) return id;
  throw new Error(`The template refers to ${id}, which it does not have`);
}

function attributeOf(template: Template, id: string, attribute: string): string {
  const prefix = ARN_PREFIXES[template.Resources[id]?.Type ?? ''];
  return attribute === 'Arn' && prefix ? arn(prefix[0], `${prefix[1]}${id}`) : `${id}.${attribute}`;
}

/** Logical ids of the resources of one type. */
export const idsOfType = (template: Template, type: string): string[] =>
  Object.keys(template.Resources).filter((id) => template.Resources[id]?.Type === type);
