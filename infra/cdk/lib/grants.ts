import * as iam from 'aws-cdk-lib/aws-iam';

/** Something a function may do. Data here, IAM statements in `statements`, environment in `environment`. */
export type Grant =
  | { readonly on: 'table'; readonly keys: string; readonly actions: readonly string[] }
  | { readonly on: 'bucket'; readonly actions: readonly string[] }
  | { readonly on: 'access' | 'secrets' | 'turn' | 'approval' | 'answers' | 'parked' | 'sockets' | 'stream' | 'redrive' | 'missed' | 'bus' }
  | { readonly on: 'workflows' | 'steps' | 'notices' | 'reminders' | 'runs' | 'cancelled' | 'retried' | 'histories' | 'published' | 'lent' };

type ItemAction = 'GetItem' | 'Query' | 'PutItem' | 'UpdateItem' | 'DeleteItem';

/** Items whose partition key is like `keys`. */
export const items = (keys: string, ...actions: ItemAction[]): Grant => ({ on: 'table', keys, actions });
/** Objects under bodies/. */
export const bodies = (...actions: ('Get' | 'Put')[]): Grant => ({ on: 'bucket', actions });
export const secret = (on: 'access' | 'secrets'): Grant => ({ on });
export const startTurn: Grant = { on: 'turn' };
/** Starting the machine that asks people. */
export const askPeople: Grant = { on: 'approval' };
/** Letting it go on with what they said. */
export const answerFor: Grant = { on: 'answers' };
/** Starting the machine that sees a notice through. */
export const seeThrough: Grant = { on: 'notices' };
/** Starting the machine that waits until a reminder is due. */
export const remind: Grant = { on: 'reminders' };
/** Starting workflows. */
export const startRun: Grant = { on: 'workflows' };
/** Ending a step of a workflow that waits for people. */
export const answerSteps: Grant = { on: 'steps' };
/** Asking how a run stands. */
export const followRuns: Grant = { on: 'runs' };
export const cancelRuns: Grant = { on: 'cancelled' };
/** Letting those go on that failed. */
export const retryRuns: Grant = { on: 'retried' };
/** Reading what a run's steps were given and gave. */
export const readRuns: Grant = { on: 'histories' };
/** Making the machines of workflows that are published between deployments. */
export const publish: Grant = { on: 'published' };
/** Letting them run under their role. */
export const lendRole: Grant = { on: 'lent' };
/** Telling of what workflows wait for. */
export const tellEvents: Grant = { on: 'bus' };
export const park: Grant = { on: 'parked' };
/** Where Lambda puts what the function could not do. */
export const giveUp: Grant = { on: 'missed' };
/** Sending to open WebSockets. */
export const connections: Grant = { on: 'sockets' };
/** What Lambda's poller reads on behalf of the function. */
export const events = (on: 'stream' | 'redrive'): Grant => ({ on });

/** What each thing is called in IAM, and what a function that may use it finds in its environment. */
export type Resources = Record<Grant['on'], { readonly arn: string; readonly variables?: Record<string, string> }>;

const simple = {
  access: ['secretsmanager:GetSecretValue'],
  secrets: ['secretsmanager:GetSecretValue'],
  turn: ['states:StartExecution'],
  approval: ['states:StartExecution'],
  answers: ['states:SendTaskSuccess'],
  notices: ['states:StartExecution'],
  reminders: ['states:StartExecution'],
  workflows: ['states:StartExecution'],
  steps: ['states:SendTaskFailure', 'states:SendTaskSuccess'],
  runs: ['states:DescribeExecution'],
  cancelled: ['states:StopExecution'],
  retried: ['states:RedriveExecution'],
  histories: ['states:GetExecutionHistory'],
  published: ['states:CreateStateMachine'],
  bus: ['events:PutEvents'],
  parked: ['sqs:SendMessage'],
  missed: ['sqs:SendMessage'],
  sockets: ['execute-api:ManageConnections'],
  stream: ['dynamodb:DescribeStream', 'dynamodb:GetRecords', 'dynamodb:GetShardIterator', 'dynamodb:ListStreams'],
  redrive: ['sqs:DeleteMessage', 'sqs:GetQueueAttributes', 'sqs:ReceiveMessage'],
};

export function statements(grants: readonly Grant[], resources: Resources): iam.PolicyStatement[] {
  return grants.map((grant) => {
    const { arn } = resources[grant.on];
    switch (grant.on) {
      case 'table':
        return new iam.PolicyStatement({
          actions: grant.actions.map((action) => `dynamodb:${action}`),
          resources: [arn],
          conditions: { 'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': [grant.keys] } },
        });
      case 'bucket':
        return new iam.PolicyStatement({
          actions: grant.actions.map((action) => `s3:${action}Object`),
          resources: [`${arn}/bodies/*`],
        });
      case 'lent':
        return new iam.PolicyStatement({
          actions: ['iam:PassRole'],
          resources: [arn],
          conditions: { StringEquals: { 'iam:PassedToService': 'states.amazonaws.com' } },
        });
      default:
        return new iam.PolicyStatement({ actions: simple[grant.on], resources: [arn] });
    }
  });
}

export function environment(grants: readonly Grant[], resources: Resources): Record<string, string> {
  return Object.assign({}, ...grants.map(({ on }) => resources[on].variables));
}
