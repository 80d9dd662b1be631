import assert from 'node:assert/strict';
import { test } from 'node:test';

import { assertRecorded, type Resource, synthesise } from './synthesise';

const dev = synthesise();
const resources = Object.values(dev.template.Resources);
const ofType = (type: string, among: Resource[] = resources) => among.filter((resource) => resource.Type === type);

test('the template is the recorded one', () => {
  // What lies in files of its own, or is only for tools, is left out.
  const apart: Record<string, unknown> = { Metadata: undefined, DefinitionString: 'of statemachines/' };
  const text = JSON.stringify(dev.template, (key, value) => (key in apart ? apart[key] : value), 1);
  assertRecorded('template.json', `${text.replace(/[0-9a-f]{64}/g, 'ASSET')}\n`);
});

test('cdk-nag has nothing to say about any stage or option', () => {
  assert.deepEqual(dev.findings, []);
  assert.deepEqual(synthesise({ stage: 'prod', kms: 'true', bedrock: 'anthropic.claude-*' }).findings, []);
});

test('nothing is billed by the hour', () => {
  const types = [...new Set(resources.map(({ Type }) => Type.replace('AWS::', '')))].sort();
  assert.deepEqual(types, [
    'ApiGatewayV2::Api', 'ApiGatewayV2::Integration', 'ApiGatewayV2::Route', 'ApiGatewayV2::Stage',
    'Budgets::Budget', 'CloudWatch::Alarm', 'CloudWatch::Dashboard', 'DynamoDB::Table', 'Events::EventBus', 'Events::Rule', 'IAM::Policy', 'IAM::Role',
    'Lambda::EventSourceMapping', 'Lambda::Function', 'Lambda::Permission', 'Logs::LogGroup', 'S3::Bucket',
    'S3::BucketPolicy', 'SNS::Subscription', 'SNS::Topic', 'SNS::TopicPolicy', 'SQS::Queue', 'SQS::QueuePolicy',
    'Scheduler::Schedule', 'SecretsManager::Secret', 'StepFunctions::StateMachine', 'XRay::SamplingRule',
  ]);
  assert.equal(ofType('AWS::DynamoDB::Table')[0]!.Properties.BillingMode, 'PAY_PER_REQUEST');
  assert.doesNotMatch(JSON.stringify(resources), /VpcConfig|ProvisionedConcurrency|ProvisionedThroughput|ProvisionedPoller/);
});

test('functions know which events workflows wait for', () => {
  const wanted = ofType('AWS::Lambda::Function').map(({ Properties }) => Properties.Environment?.Variables?.CONFAB_EVENTS_WANTED);
  assert.deepEqual([...new Set(wanted)].sort(), ['order.paid', undefined]);
});

test('only dev is thrown away with its stack', () => {
  const prod = Object.values(synthesise({ stage: 'prod', kms: 'true' }).template.Resources);
  const keep = ['DynamoDB::Table', 'S3::Bucket', 'SQS::Queue', 'SecretsManager::Secret', 'KMS::Key'].map((type) => `AWS::${type}`);
  const policies = (among: Resource[]) =>
    new Set(among.filter(({ Type }) => keep.includes(Type)).map(({ DeletionPolicy }) => DeletionPolicy));
  assert.deepEqual(policies(resources), new Set(['Delete']));
  assert.deepEqual(policies(prod), new Set(['Retain']));
  assert.equal(ofType('AWS::DynamoDB::Table')[0]!.Properties.DeletionProtectionEnabled, false);
  assert.equal(ofType('AWS::DynamoDB::Table', prod)[0]!.Properties.DeletionProtectionEnabled, true);
});

test('a stage that could not name a stack is refused', () => {
  assert.throws(() => synthesise({ stage: 'Prod_1' }), /lower-case letters/);
});

test('a schedule of a workflow starts it for each tenant, with the time that it was meant for', () => {
  const { Resources } = synthesise({ tenants: 'acme,globex' }).template;
  const schedules = ofType('AWS::Scheduler::Schedule', Object.values(Resources)).filter(({ Properties }) => Properties.Target.Input);
  const inputs = schedules.map(({ Properties }) => JSON.parse(Properties.Target.Input));
  assert.deepEqual(inputs.map(({ tenant, trigger }) => `${tenant} ${trigger}`), ['acme 0', 'acme 1', 'globex 0', 'globex 1']);
  assert.ok(inputs.every(({ workflow, at }) => workflow === 'scheduled' && at === '<aws.scheduler.scheduled-time>'));
  assert.throws(() => synthesise({ tenants: '' }), /scheduled runs on a schedule: say for which tenant with -c tenants=NAME/);
});

test('what cannot be staged is named, with what to do about it', () => {
  assert.throws(() => synthesise({ assets: '/nowhere' }), /nowhere\/webhook-web\/bootstrap is not there: run scripts\/build first/);
  assert.throws(() => synthesise({ bots: '/nowhere' }), /nowhere is not a bot folder/);
  assert.throws(() => synthesise({ workflows: '/nowhere' }), /nowhere\/approve.asl.json is not there: run `confab workflow compile/);
});
