import { Stack, Validations } from 'aws-cdk-lib';
import type * as iam from 'aws-cdk-lib/aws-iam';
import { flattenCfnReference } from 'cdk-nag/lib/utils/flatten-cfn-reference';

/** cdk-nag wants each wildcard acknowledged by the name it gives it. */
export function acknowledgeWildcards(role: iam.Role, statements: readonly iam.PolicyStatement[], reason: string): void {
  const found = statements.flatMap(({ actions, resources }) => [
    ...actions.map((action) => `Action::${action}`),
    ...resources.map((resource) => `Resource::${flattenCfnReference(Stack.of(role).resolve(resource))}`),
  ]);
  for (const wildcard of new Set(found.filter((name) => name.includes('*')))) {
    Validations.of(role).acknowledge({ id: `AwsSolutions-IAM5[${wildcard}]`, reason });
  }
}
