import { Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import * as scheduler from 'aws-cdk-lib/aws-scheduler';
import type * as sqs from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';

/** What EventBridge Scheduler may do for one function. */
export function schedulerRole(scope: Construct, id: string, called: lambda.IFunction, missed?: sqs.IQueue): iam.Role {
  const may = [new iam.PolicyStatement({ actions: ['lambda:InvokeFunction'], resources: [called.functionArn] })];
  if (missed) may.push(new iam.PolicyStatement({ actions: ['sqs:SendMessage'], resources: [missed.queueArn] }));
  return new iam.Role(scope, id, {
    assumedBy: new iam.ServicePrincipal('scheduler.amazonaws.com', {
      conditions: { StringEquals: { 'aws:SourceAccount': Stack.of(scope).account } },
    }),
    inlinePolicies: { may: new iam.PolicyDocument({ statements: may }) },
  });
}

/** A schedule of a workflow, as `confab workflow compile` writes it. */
export interface Timer {
  readonly trigger: number;
  readonly scheduleExpression: string;
  readonly scheduleExpressionTimezone: string;
  readonly maximumWindowInMinutes?: number;
}

export interface SchedulesProps {
  readonly timers: readonly { readonly workflow: string; readonly timer: Timer }[];
  /** Whose runs they start. */
  readonly tenants: readonly string[];
  readonly start: lambda.IFunction;
  /** Where occurrences go that could not be handed over. */
  readonly missed: sqs.IQueue;
}

/**
 * A schedule for each schedule of a workflow and each tenant. What happens twice starts one run, and what comes late
 * starts one if its `missed` says so: `workflow-start` knows both by the time that the occurrence was meant for.
 */
export class Schedules extends Construct {
  constructor(scope: Construct, id: string, { timers, tenants, start, missed }: SchedulesProps) {
    super(scope, id);
    if (timers.length && !tenants.length) {
      throw new Error(`${timers[0]!.workflow} runs on a schedule: say for which tenant with -c tenants=NAME (scripts/deploy --tenant NAME)`);
    }
    if (!timers.length) return;
    const role = schedulerRole(this, 'role', start, missed);
    for (const tenant of tenants) {
      for (const { workflow, timer } of timers) {
        const { trigger, scheduleExpression, scheduleExpressionTimezone, maximumWindowInMinutes } = timer;
        new scheduler.CfnSchedule(this, `${tenant}-${workflow}-${trigger}`, {
          description: `Starts ${workflow} for ${tenant}.`,
          scheduleExpression,
          scheduleExpressionTimezone,
          flexibleTimeWindow: maximumWindowInMinutes ? { mode: 'FLEXIBLE', maximumWindowInMinutes } : { mode: 'OFF' },
          target: {
            arn: start.functionArn,
            roleArn: role.roleArn,
            input: JSON.stringify({ tenant, workflow, trigger, at: '<aws.scheduler.scheduled-time>' }),
            deadLetterConfig: { arn: missed.queueArn },
          },
        });
      }
    }
  }
}
