import { Duration, Fn, Stack } from 'aws-cdk-lib';
import * as budgets from 'aws-cdk-lib/aws-budgets';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import * as sns from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';

import type { Http } from './apis';
import { parameter, unless } from './parameter';
import type { Storage } from './storage';
import type { Machine } from './turn-machine';

export interface Watched {
  readonly functions: Record<string, lambda.Function>;
  readonly turn: Machine;
  readonly approval: Machine;
  readonly http: Http;
  readonly storage: Storage;
}

const period = Duration.minutes(5);

/** One topic, the alarms and the budget that speak to it, and one dashboard. */
export class Watch extends Construct {
  private readonly topic: sns.Topic;

  constructor(scope: Construct, id: string, watched: Watched) {
    super(scope, id);
    this.topic = new sns.Topic(this, 'alerts', { enforceSSL: true });
    this.topic.addToResourcePolicy(new iam.PolicyStatement({
      principals: ['cloudwatch', 'budgets'].map((name) => new iam.ServicePrincipal(`${name}.amazonaws.com`)),
      actions: ['sns:Publish'],
      resources: [this.topic.topicArn],
      conditions: { StringEquals: { 'aws:SourceAccount': Stack.of(this).account } },
    }));
    this.tellByEmail();
    this.alarms(watched);
    this.budget();
    this.dashboard(watched);
  }

  private tellByEmail(): void {
    const email = parameter(this, 'Email', {
      default: '', description: 'Who is told of alarms and of the budget; AWS asks the address for its consent first.',
    });
    const subscription = new sns.CfnSubscription(this, 'email', {
      protocol: 'email', topicArn: this.topic.topicArn, endpoint: Fn.ref(email.logicalId),
    });
    subscription.cfnOptions.condition = unless(email, '');
  }

  private alarms({ functions, turn, approval, http, storage }: Watched): void {
    const { machine } = turn;
    this.alarm('failed-turns', functions['turn-fail']!.metricInvocations({ period }), 1,
      'A turn failed: its messages were parked, and the contact told. See the log of turn-fail, then the parked messages.');
    this.alarm('broken-turns', machine.metricFailed({ period }), 1,
      'A turn ended without settling its session, which the sweep will heal. See the log of the turn machine.');
    this.alarm('broken-approvals', approval.machine.metricFailed({ period }), 1,
      'What people said of a call did not reach its session. See the execution in the approval machine, then approval-tell\'s log; redrive it.');
    this.alarm('parked-messages', storage.parked.metricApproximateNumberOfMessagesVisible({ period, statistic: 'Maximum' }), 1,
      'Messages wait in the queue of parked messages, for 14 days. Mend the cause, then start a redrive to the queue `redrive`.');
    this.alarm('missed-runs', storage.missed.metricApproximateNumberOfMessagesVisible({ period, statistic: 'Maximum' }), 1,
      'A run that was due was not started. See workflow-start\'s log; then call it with the message, which holds for 14 days.');
    this.alarm('broken-sweep', functions['job-sweep']!.metricErrors({ period }), 1,
      'The sweep failed. Sessions whose turn died wait for their next message until it runs again.');
    this.alarm('throttled-functions', new cloudwatch.Metric({
      namespace: 'AWS/Lambda', metricName: 'Throttles', statistic: 'Sum', period,
    }), 1, 'Lambda refused calls in this region: the account\'s concurrency is used up. Retries cover a short peak; raise the quota for a long one.');
    this.alarm('throttled-table', new cloudwatch.Metric({
      namespace: 'AWS/DynamoDB', metricName: 'WriteThrottleEvents', statistic: 'Sum', period,
      dimensionsMap: { TableName: storage.table.tableName },
    }), 10, 'DynamoDB refused writes: one session may be hotter than a partition bears.');
    this.alarm('slow-turns', machine.metricTime({ period, statistic: 'p99' }), 60_000,
      'One turn in a hundred takes longer than a minute. See the model\'s provider and the tools.');
    this.alarm('slow-webhooks', http.api.metricLatency({ period, statistic: 'p99' }), 5_000,
      'One request in a hundred takes longer than five seconds; carriers give up after ten to fifteen.');
  }

  private alarm(name: string, metric: cloudwatch.IMetric, threshold: number, alarmDescription: string): void {
    const alarm = new cloudwatch.Alarm(this, name, {
      alarmName: `${Stack.of(this).stackName}-${name}`,
      alarmDescription,
      metric,
      threshold,
      evaluationPeriods: 1,
      comparisonOperator: cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      treatMissingData: cloudwatch.TreatMissingData.NOT_BREACHING,
    });
    alarm.addAlarmAction(new SnsAction(this.topic));
  }

  /** Of the whole account: AWS tells one stack's cost from another's only by tags that someone has activated. */
  private budget(): void {
    const amount = parameter(this, 'BudgetUsd', {
      type: 'Number', default: 20, minValue: 0, description: 'Dollars a month for the account before it alerts. 0 makes no budget.',
    });
    const tell = (notificationType: string, threshold: number) => ({
      notification: { notificationType, threshold, comparisonOperator: 'GREATER_THAN' },
      subscribers: [{ subscriptionType: 'SNS', address: this.topic.topicArn }],
    });
    const budget = new budgets.CfnBudget(this, 'budget', {
      budget: {
        budgetName: Stack.of(this).stackName,
        budgetType: 'COST',
        timeUnit: 'MONTHLY',
        budgetLimit: { amount: amount.valueAsNumber, unit: 'USD' },
      },
      notificationsWithSubscribers: [tell('ACTUAL', 80), tell('FORECASTED', 100)],
    });
    budget.cfnOptions.condition = unless(amount, '0');
  }

  /** The first three dashboards of an account are free, with up to 50 metrics each. */
  private dashboard({ functions, turn, http, storage }: Watched): void {
    const { machine } = turn;
    const graph = (title: string, left: cloudwatch.IMetric[]) => new cloudwatch.GraphWidget({ title, left, width: 12 });
    const each = (metric: (f: lambda.Function) => cloudwatch.Metric) =>
      Object.entries(functions).map(([label, f]) => metric(f).with({ label }));
    new cloudwatch.Dashboard(this, 'dashboard', {
      dashboardName: Stack.of(this).stackName,
      widgets: [
        [
          graph('Turns', [machine.metricStarted({ period }), machine.metricFailed({ period }),
            functions['turn-fail']!.metricInvocations({ period, label: 'turn-fail' })]),
          graph('Time of a turn', ['p50', 'p99'].map((statistic) => machine.metricTime({ period, statistic }))),
        ],
        [
          graph('Requests', [http.api.metricCount({ period }), http.api.metricClientError({ period }), http.api.metricServerError({ period })]),
          graph('Time of a request', ['p50', 'p99'].map((statistic) => http.api.metricLatency({ period, statistic }))),
        ],
        [
          graph('Errors by function', each((f) => f.metricErrors({ period }))),
          graph('p99 by function', each((f) => f.metricDuration({ period, statistic: 'p99' }))),
        ],
        [
          graph('Parked messages', [storage.parked.metricApproximateNumberOfMessagesVisible({ period, statistic: 'Maximum' })]),
          graph('Table', [storage.table.metricConsumedWriteCapacityUnits({ period }), storage.table.metricConsumedReadCapacityUnits({ period })]),
        ],
      ],
    });
  }
}
