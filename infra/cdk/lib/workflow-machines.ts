import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';

import { ArnFormat, RemovalPolicy, Stack } from 'aws-cdk-lib';
import * as events from 'aws-cdk-lib/aws-events';
import * as targets from 'aws-cdk-lib/aws-events-targets';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import * as logs from 'aws-cdk-lib/aws-logs';
import type * as sqs from 'aws-cdk-lib/aws-sqs';
import { StateMachineType } from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';

import { functions } from './functions';
import { nameFunction } from './rust-lambda';
import { Schedules, type Timer } from './schedules';
import type { Settings } from './settings';
import { Machine, runAndWait } from './turn-machine';
import { acknowledgeWildcards } from './wildcards';

export interface WorkflowsProps {
  readonly functions: Record<string, lambda.Function>;
  /** What the ARNs of their machines begin with. */
  readonly prefix: string;
  /** Where events come from. */
  readonly bus: events.IEventBus;
  /** Where occurrences of schedules go that could not be handed over. */
  readonly missed: sqs.IQueue;
  readonly settings: Settings;
}

/** A Standard machine for each workflow of the bots, its schedules, and what is done when one of their executions ends. */
export class WorkflowMachines extends Construct {
  constructor(scope: Construct, id: string, { functions, prefix, bus, missed, settings }: WorkflowsProps) {
    super(scope, id);
    const { stackName } = Stack.of(this);
    const files = compiled(settings);
    const machines = Object.fromEntries(files.map(({ name }) => [`workflow-${name}`, `${prefix}${name}`]));
    // Those that are published later log there too.
    const logGroup = new logs.LogGroup(this, 'logs', {
      logGroupName: logGroupName(Stack.of(this)),
      retention: logs.RetentionDays.ONE_MONTH,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    for (const { name, file } of files) {
      if (`${stackName}-workflow-${name}`.length > 80) throw new Error(`the name of the workflow ${name} is too long: machines are called by at most 80 characters`);
      const source = readFileSync(file, 'utf8');
      new Machine(scope, `workflow-${name}`, {
        source, callable: /^(step|workflow)-/, file, functions, machines, logGroup, type: StateMachineType.STANDARD,
      });
    }
    const timers = files.flatMap(({ name, timers }) => timers.map((timer) => ({ workflow: name, timer })));
    new Schedules(this, 'schedules', { timers, tenants: settings.tenants, start: functions['workflow-start']!, missed });
    new events.Rule(this, 'ended', {
      description: 'A run has ended: whoever waits for its room is next.',
      eventPattern: {
        source: ['aws.states'],
        detailType: ['Step Functions Execution Status Change'],
        detail: { status: ['SUCCEEDED', 'FAILED', 'TIMED_OUT', 'ABORTED'], stateMachineArn: events.Match.prefix(prefix) },
      },
      targets: [new targets.LambdaFunction(functions['job-runs']!)],
    });
    new events.Rule(this, 'told', {
      description: 'Something happened: runs start with it, and steps wait for it.',
      eventBus: bus,
      eventPattern: { source: ['confab'] },
      targets: [new targets.LambdaFunction(functions['job-event']!)],
    });
  }
}

const logGroupName = ({ stackName }: Stack): string => `/aws/vendedlogs/states/${stackName}-workflows`;

/** Where the machines of workflows log, by name: it is made after the functions. */
export const logDestination = (stack: Stack): string => stack.formatArn({
  service: 'logs', resource: 'log-group', resourceName: `${logGroupName(stack)}:*`, arnFormat: ArnFormat.COLON_RESOURCE_NAME,
});

/** What Step Functions needs to log and trace; the actions know no resources. */
const watched = new iam.PolicyStatement({
  actions: [
    'logs:CreateLogDelivery', 'logs:GetLogDelivery', 'logs:UpdateLogDelivery', 'logs:DeleteLogDelivery', 'logs:ListLogDeliveries',
    'logs:PutResourcePolicy', 'logs:DescribeResourcePolicies', 'logs:DescribeLogGroups',
    'xray:PutTraceSegments', 'xray:PutTelemetryRecords', 'xray:GetSamplingRules', 'xray:GetSamplingTargets',
  ],
  resources: ['*'],
});

/** Under what the machines of workflows run that are published between deployments: any step, and each other. */
export function publishedRole(scope: Stack, prefix: string): iam.Role {
  const steps = Object.keys(functions).filter((name) => name.startsWith('step-')).map((name) => nameFunction(scope, name));
  const may = [new iam.PolicyStatement({ actions: ['lambda:InvokeFunction'], resources: steps }), ...runAndWait(scope, [`${prefix}*`]), watched];
  const role = new iam.Role(scope, 'published', {
    assumedBy: new iam.ServicePrincipal('states.amazonaws.com'),
    inlinePolicies: { may: new iam.PolicyDocument({ statements: may }) },
  });
  acknowledgeWildcards(role, may, 'Workflows that are published later, and their executions, whose names cannot be known; log delivery and X-Ray know no resources.');
  return role;
}

/** The names of the events that workflows wait for. */
export const wantedEvents = (settings: Settings): string[] => [...new Set(compiled(settings).flatMap(({ name }) => {
  const file = resolve(settings.workflows, `${name}.events.json`);
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) as string[] : [];
}))].sort();

interface Compiled {
  readonly name: string;
  /** Its machine. */
  readonly file: string;
  readonly timers: readonly Timer[];
}

/** What the bots' workflows were compiled to; each must be there, and no two may have one name. Those without schedules have no timers. */
function compiled({ bots, workflows }: Settings): Compiled[] {
  const names = bots.flatMap((bot) => list(join(resolve(bot), 'workflows'), '.yaml'));
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice) throw new Error(`two bots have a workflow ${twice}: give each its own name`);
  return names.sort().map((name) => {
    const [file, timers] = ['asl', 'timers'].map((kind) => resolve(workflows, `${name}.${kind}.json`)) as [string, string];
    if (!existsSync(file)) throw new Error(`${file} is not there: run \`confab workflow compile --out ${resolve(workflows)} --bot BOT_DIR\` first`);
    return { name, file, timers: existsSync(timers) ? JSON.parse(readFileSync(timers, 'utf8')) : [] };
  });
}

const list = (folder: string, suffix: string): string[] =>
  (existsSync(folder) ? readdirSync(folder) : []).filter((file) => file.endsWith(suffix)).map((file) => basename(file, suffix));
