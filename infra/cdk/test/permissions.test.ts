import { test } from 'node:test';

import { assertRecorded, type Resource, synthesise } from './synthesise';

const { Resources } = synthesise().template;

/** Where a resource is in the stack: `storage/table`. */
const place = (id: string) => (Resources[id]?.Metadata?.['aws:cdk:path'] ?? id).split('/').slice(1).join('/').replace(/\/Resource$/, '') || id;

/** A value of the template as one word: references by place, ARNs by what is particular in them. */
function word(value: any): string {
  if (typeof value === 'string') return value;
  if (value.Ref) return place(value.Ref);
  if (value['Fn::GetAtt']) {
    const [id, attribute] = value['Fn::GetAtt'];
    return attribute === 'Arn' ? place(id) : `${place(id)} ${attribute}`;
  }
  const joined = (value['Fn::Join'][1] as any[]).map(word).join('');
  return joined.replace(/^arn:AWS::Partition:(execute-api|secretsmanager|states):AWS::Region:AWS::AccountId:/, '$1 ');
}

const list = (value: any): any[] => (Array.isArray(value) ? value : [value]);

function rows(id: string, { Properties, Type }: Resource): string[] {
  const owner = place(Type === 'AWS::IAM::Role' ? id : Properties.Roles[0].Ref).replace(/\/role$/, '');
  const documents = Type === 'AWS::IAM::Role' ? (Properties.Policies ?? []).map((p: any) => p.PolicyDocument) : [Properties.PolicyDocument];
  return documents.flatMap((document: any) => document.Statement).flatMap((statement: any) => {
    const keys = Object.values(statement.Condition ?? {}).flatMap((test: any) => Object.values(test).flat()).join(', ');
    return list(statement.Resource).map((on) =>
      `| ${owner} | ${list(statement.Action).join(', ')} | ${word(on)} | ${keys} |`);
  });
}

test('each role may do what PERMISSIONS.md says and nothing else', () => {
  const policies = Object.entries(Resources).filter(([, { Type }]) => Type === 'AWS::IAM::Role' || Type === 'AWS::IAM::Policy');
  const table = policies.flatMap(([id, resource]) => rows(id, resource));
  assertRecorded('../PERMISSIONS.md', `# Who may do what

Read from the synthesised template by \`test/permissions.test.ts\`; \`npm run update\` writes it. The last column is what the
partition key of an item must be like (\`dynamodb:LeadingKeys\`).

| role of | may | on | keys |
|---|---|---|---|
${table.join('\n')}
`);
});
