/**
 * Findings of cdk-nag (AwsSolutions) that are right in general and accepted here, with the reason. Whoever checks
 * an app that contains these constructs sees the reason instead of the finding.
 */
import { Stack, Validations } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';

export function acknowledge(scope: IConstruct, id: string, reason: string): void {
  Validations.of(scope).acknowledge({ id: `AwsSolutions-${id}`, reason });
}

/** @param resource as the statement has it, with a `*` in it. */
export function acknowledgeWildcard(scope: IConstruct, resource: string, reason: string): void {
  acknowledge(scope, `IAM5[Resource::${printed(scope, resource)}]`, reason);
}

type Reference = { readonly Ref: string } | { readonly 'Fn::GetAtt': readonly [string, string] };
type Joined = { readonly 'Fn::Join': readonly [string, readonly (string | Reference)[]] };

/** As cdk-nag prints it: `<AWS::Region>` for a reference, `<Table.Arn>` for an attribute. */
function printed(scope: IConstruct, resource: string): string {
  const resolved: string | Joined = Stack.of(scope).resolve(resource);
  if (typeof resolved === 'string') return resolved;
  const [separator, parts] = resolved['Fn::Join'];
  return parts
    .map((part) => {
      if (typeof part === 'string') return part;
      return 'Ref' in part ? `<${part.Ref}>` : `<${part['Fn::GetAtt'].join('.')}>`;
    })
    .join(separator);
}
