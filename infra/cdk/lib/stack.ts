import { ArnFormat, CfnOutput, DefaultStackSynthesizer, Duration, Stack } from 'aws-cdk-lib';
import * as events from 'aws-cdk-lib/aws-events';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as scheduler from 'aws-cdk-lib/aws-scheduler';
import { StateMachineType } from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';

import { Http, Sockets } from './apis';
import { type FunctionName, functions, type FunctionSpec } from './functions';
import type { Resources } from './grants';
import { nameFunction, RustLambda } from './rust-lambda';
import { schedulerRole } from './schedules';
import { isKept, type Settings } from './settings';
import { nameSecret, type SecretName, Storage } from './storage';
import { Machine } from './turn-machine';
import { Watch } from './watch';
import { logDestination, publishedRole, wantedEvents, WorkflowMachines } from './workflow-machines';

/** All of Confab on AWS. Nothing in it is billed by the hour. */
export class ConfabStack extends Stack {
  constructor(scope: Construct, settings: Settings) {
    super(scope, `confab-${settings.stage}`, {
      description: `Confab, stage ${settings.stage}`,
      terminationProtection: isKept(settings),
      // The version rule only repeats what the CLI checks, and needs a parameter that no emulator has.
      synthesizer: new DefaultStackSynthesizer({ generateBootstrapVersionRule: false }),
    });
    const storage = new Storage(this, 'storage', settings);
    const http = new Http(this, 'http');
    const sockets = new Sockets(this, 'sockets');
    const bus = new events.EventBus(this, 'bus', { eventBusName: this.stackName, description: 'What workflows wait for.' });
    const published = publishedRole(this, this.states('stateMachine', 'workflow-'));
    const resources = this.resources(storage, sockets, bus, published, settings);

    const made = Object.fromEntries(Object.entries(functions).map(([name, spec]: [string, FunctionSpec]) => {
      const also = [...keyStatements(spec, storage), ...(name === 'turn-run' || name === 'step-ask' ? this.bedrock(settings) : [])];
      const made = new RustLambda(this, name, { spec, resources, settings, also }).function;
      if (spec.http) http.route(spec.http, made);
      if (spec.socket) sockets.route(spec.socket, made);
      return [name, made];
    })) as Record<FunctionName, lambda.Function>;

    const turn = Machine.written(this, 'turn', made, StateMachineType.EXPRESS);
    const approval = Machine.written(this, 'approval', made, StateMachineType.STANDARD);
    Machine.written(this, 'notify', made, StateMachineType.STANDARD);
    Machine.written(this, 'reminder', made, StateMachineType.STANDARD);
    new WorkflowMachines(this, 'workflows', { functions: made, prefix: this.states('stateMachine', 'workflow-'), bus, missed: storage.missed, settings });
    this.sweep(made['job-sweep']);
    followSessions(made['stream-holds'], storage);
    takeBack(made['queue-redrive'], storage);
    new Watch(this, 'watch', { functions: made, turn, approval, http, storage });

    const outputs = {
      HttpUrl: http.api.apiEndpoint,
      SocketsUrl: sockets.url,
      TurnMachine: turn.machine.stateMachineArn,
      Table: storage.table.tableName,
      Bucket: storage.bucket.bucketName,
      ParkedQueue: storage.parked.queueUrl,
      ParkedQueueArn: storage.parked.queueArn,
      RedriveQueue: storage.redrive.queueUrl,
      RedriveQueueArn: storage.redrive.queueArn,
      AccessSecret: nameSecret('access', settings),
      SecretsSecret: nameSecret('secrets', settings),
    };
    Object.entries(outputs).forEach(([name, value]) => new CfnOutput(this, name, { value }));
  }

  private resources(storage: Storage, sockets: Sockets, bus: events.EventBus, published: iam.Role, settings: Settings): Resources {
    const [turn, approval, notice, reminder, workflow] = ['turn', 'approval', 'notify', 'reminder', 'workflow-']
      .map((name) => this.states('stateMachine', name)) as [string, string, string, string, string];
    const execution = this.states('execution', 'workflow-*');
    const wanted = { CONFAB_EVENTS_WANTED: wantedEvents(settings).join(' ') };
    return {
      table: {
        arn: storage.table.tableArn,
        // Items name long bodies in the bucket, so one is no use without the other; the right to read them is another matter.
        variables: { CONFAB_TABLE: storage.table.tableName, CONFAB_BUCKET: storage.bucket.bucketName },
      },
      bucket: { arn: storage.bucket.bucketArn },
      access: { arn: this.secretArn('access', settings), variables: { CONFAB_ACCESS_SECRET: storage.access.secretArn } },
      secrets: { arn: this.secretArn('secrets', settings), variables: { CONFAB_SECRETS_SECRET: storage.secrets.secretArn } },
      turn: { arn: turn, variables: { CONFAB_TURN_MACHINE: turn } },
      approval: { arn: approval, variables: { CONFAB_APPROVAL_MACHINE: approval } },
      answers: { arn: approval },
      reminders: { arn: reminder, variables: { CONFAB_REMINDER_MACHINE: reminder } },
      notices: { arn: notice, variables: { CONFAB_NOTICE_MACHINE: notice } },
      workflows: { arn: `${workflow}*`, variables: { CONFAB_WORKFLOW_MACHINES: workflow } },
      steps: { arn: `${workflow}*` },
      runs: { arn: execution, variables: { CONFAB_WORKFLOW_MACHINES: workflow } },
      cancelled: { arn: execution },
      retried: { arn: execution },
      histories: { arn: execution },
      published: { arn: `${workflow}*`, variables: { CONFAB_WORKFLOW_MACHINES: workflow, CONFAB_FUNCTIONS: nameFunction(this, ''), CONFAB_WORKFLOW_LOGS: logDestination(this), ...wanted } },
      lent: { arn: published.roleArn, variables: { CONFAB_WORKFLOW_ROLE: published.roleArn } },
      bus: { arn: bus.eventBusArn, variables: { CONFAB_EVENT_BUS: bus.eventBusName, ...wanted } },
      parked: { arn: storage.parked.queueArn, variables: { CONFAB_PARKED_QUEUE: storage.parked.queueUrl } },
      sockets: { arn: sockets.connectionsArn, variables: { CONFAB_SOCKETS: sockets.stage.callbackUrl } },
      stream: { arn: storage.table.tableStreamArn! },
      redrive: { arn: storage.redrive.queueArn },
      missed: { arn: storage.missed.queueArn },
    };
  }

  /** By name: machines are made after the functions that start them, since they call some of them. */
  private states(resource: 'stateMachine' | 'execution', name: string): string {
    const resourceName = `${this.stackName}-${name}`;
    return this.formatArn({ service: 'states', resource, resourceName, arnFormat: ArnFormat.COLON_RESOURCE_NAME });
  }

  /** By name: a reference to a secret is its ARN on AWS but its name on MiniStack, which can evaluate policies too. */
  private secretArn(name: SecretName, settings: Settings): string {
    const resourceName = `${nameSecret(name, settings)}-??????`;
    return this.formatArn({ service: 'secretsmanager', resource: 'secret', resourceName, arnFormat: ArnFormat.COLON_RESOURCE_NAME });
  }

  private bedrock({ bedrock }: Settings): iam.PolicyStatement[] {
    if (!bedrock) return [];
    return [new iam.PolicyStatement({
      actions: ['bedrock:InvokeModel', 'bedrock:InvokeModelWithResponseStream'],
      resources: [
        `arn:${this.partition}:bedrock:*::foundation-model/${bedrock}`,
        `arn:${this.partition}:bedrock:*:${this.account}:inference-profile/*${bedrock}`,
      ],
    })];
  }

  private sweep(sweep: lambda.Function): void {
    const role = schedulerRole(this, 'sweep-role', sweep);
    new scheduler.CfnSchedule(this, 'sweep', {
      scheduleExpression: 'rate(5 minutes)',
      flexibleTimeWindow: { mode: 'OFF' },
      // What one sweep misses the next one finds.
      target: { arn: sweep.functionArn, roleArn: role.roleArn, retryPolicy: { maximumRetryAttempts: 0 } },
    });
  }
}

/** With a key of its own, the table is read and written under the caller's right to that key. */
function keyStatements({ may }: FunctionSpec, { key }: Storage): iam.PolicyStatement[] {
  if (!key || !may.some(({ on }) => on === 'table' || on === 'stream')) return [];
  return [new iam.PolicyStatement({
    actions: ['kms:Decrypt', 'kms:DescribeKey', 'kms:Encrypt', 'kms:GenerateDataKey*', 'kms:ReEncrypt*'],
    resources: [key.keyArn],
    conditions: { StringEquals: { 'kms:ViaService': `dynamodb.${Stack.of(key).region}.amazonaws.com` } },
  })];
}

/** Every change of a session itself, gathered for a minute. */
function followSessions(handler: lambda.Function, { table }: Storage): void {
  new lambda.EventSourceMapping(handler, 'sessions', {
    target: handler,
    eventSourceArn: table.tableStreamArn,
    startingPosition: lambda.StartingPosition.LATEST,
    filters: [lambda.FilterCriteria.filter({ dynamodb: { Keys: { sk: { S: lambda.FilterRule.isEqual('turns') } } } })],
    batchSize: 1000,
    maxBatchingWindow: Duration.seconds(60),
    bisectBatchOnError: true,
    maxRecordAge: Duration.hours(24),
  });
}

function takeBack(handler: lambda.Function, { redrive }: Storage): void {
  new lambda.EventSourceMapping(handler, 'parked', {
    target: handler,
    eventSourceArn: redrive.queueArn,
    batchSize: 10,
    reportBatchItemFailures: true,
  });
}
