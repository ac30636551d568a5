/** The IAM statements of a template as lines that a person can compare. */
import type { Template } from 'aws-cdk-lib/assertions';

/** Template values differ from resource to resource. */
// biome-ignore lint/suspicious/noExplicitAny: see above
type Json = any;

export interface Statement {
  readonly effect: string;
  readonly actions: readonly string[];
  readonly resources: readonly string[];
  readonly condition: string;
}

const list = (value: Json): Json[] => (Array.isArray(value) ? value : [value]);

/** `CoordinatorLeaseTable5FDE43AC` is `LeaseTable`: no hash, and not whose it is. */
const nameOf = (id: string): string =>
  id.replace(/[0-9A-F]{8}$/, '').replace(/^Coordinator(Functions|Workflow)?(?=.)/, '');

/** References become `<LeaseTable.Arn>`, `<Region>`. */
export function printed(value: Json): string {
  if (typeof value !== 'object') return String(value);
  if (Array.isArray(value)) return value.map(printed).join(', ');
  if ('Ref' in value) return `<${nameOf(value.Ref.replace('AWS::', ''))}>`;
  if ('Fn::GetAtt' in value) return `<${nameOf(value['Fn::GetAtt'][0])}.${value['Fn::GetAtt'][1]}>`;
  if ('Fn::Join' in value) return value['Fn::Join'][1].map(printed).join(value['Fn::Join'][0]);
  return Object.entries(value)
    .map(([key, child]) => `${key} ${printed(child)}`)
    .join(' ');
}

const statement = ({ Effect, Action, Resource, Condition }: Json): Statement => ({
  effect: Effect,
  actions: list(Action).toSorted(),
  resources: list(Resource).map(printed).toSorted(),
  condition: Condition ? ` if ${printed(Condition)}` : '',
});

export const lineOf = ({ effect, actions, resources, condition }: Statement): string =>
  `${effect} ${actions.join(' ')} on ${resources.join(' and ')}${condition}`;

interface Policy {
  readonly roles: readonly string[];
  readonly statements: readonly Statement[];
}

/** Of identities: policies, and what roles carry in themselves. */
export function policiesOf(template: Template): Policy[] {
  const attached = Object.values(template.findResources('AWS::IAM::Policy')).map(({ Properties }) => ({
    roles: list(Properties.Roles).map((role) => nameOf(role.Ref)),
    statements: list(Properties.PolicyDocument.Statement).map(statement),
  }));
  const inline = Object.entries(template.findResources('AWS::IAM::Role')).flatMap(([id, { Properties }]) =>
    (Properties.Policies ?? []).map(({ PolicyDocument }: Json) => ({
      roles: [nameOf(id)],
      statements: list(PolicyDocument.Statement).map(statement),
    })),
  );
  return [...attached, ...inline];
}

/** What one role may do, a line each, sorted. `plan` is the role of the function of that name. */
export const rightsOf = (template: Template, role: string): string[] =>
  policiesOf(template)
    .filter(({ roles }) => roles.includes(role))
    .flatMap(({ statements }) => statements.map(lineOf))
    .toSorted();
