import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

import { RemovalPolicy, Stack, Validations } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import * as xray from 'aws-cdk-lib/aws-xray';
import { Construct } from 'constructs';

import { parameter, unless } from './parameter';

const folder = resolve(__dirname, '../../../statemachines');

/** A machine from statemachines/<name>.asl.json; its placeholders are the functions it calls. */
export class Machine extends Construct {
  readonly machine: sfn.StateMachine;

  constructor(scope: Construct, id: string, functions: Record<string, lambda.IFunction>, type: sfn.StateMachineType) {
    super(scope, id);
    const source = readFileSync(resolve(folder, `${id}.asl.json`), 'utf8');
    const names = [...new Set(source.match(/(?<=\$\{)[^}]+/g))].sort();
    const called = names.map((name) => {
      const called = functions[name];
      if (!called) throw new Error(`statemachines/${id}.asl.json calls ${name}, which is no function`);
      return called;
    });
    const machineName = `${Stack.of(this).stackName}-${id}`;
    this.machine = new sfn.StateMachine(this, 'machine', {
      stateMachineName: machineName,
      stateMachineType: type,
      definitionBody: sfn.DefinitionBody.fromString(JSON.stringify(JSON.parse(source))),
      definitionSubstitutions: Object.fromEntries(names.map((name, at) => [name, called[at]!.functionArn])),
      role: new iam.Role(this, 'role', {
        assumedBy: new iam.ServicePrincipal('states.amazonaws.com'),
        inlinePolicies: {
          may: new iam.PolicyDocument({
            statements: [
              new iam.PolicyStatement({ actions: ['lambda:InvokeFunction'], resources: called.map((f) => f.functionArn) }),
            ],
          }),
        },
      }),
      logs: {
        level: sfn.LogLevel.ERROR,
        includeExecutionData: false,
        destination: new logs.LogGroup(this, 'logs', {
          logGroupName: `/aws/vendedlogs/states/${machineName}`,
          retention: logs.RetentionDays.ONE_MONTH,
          removalPolicy: RemovalPolicy.DESTROY,
        }),
      },
      tracingEnabled: true,
    });
    if (type === sfn.StateMachineType.EXPRESS) this.sample(machineName);
    Validations.of(this).acknowledge({
      id: 'AwsSolutions-SF1',
      reason: 'ALL would log each transition of every turn, which costs more than the turn. Errors are logged; the transcript has the rest.',
    });
    Validations.of(this).acknowledge({
      id: 'AwsSolutions-IAM5[Resource::*]',
      reason: 'The actions of log delivery and X-Ray know no resources.',
    });
  }

  /**
   * Left alone, X-Ray takes the first request of each second and 5 % of the others: nearly every turn of a small
   * installation, at $5 per million. Only the machine starts traces, so one rule for it is enough.
   */
  private sample(serviceName: string): void {
    const rate = parameter(this, 'TraceRate', {
      type: 'Number', default: 0.01, minValue: 0, maxValue: 1,
      description: 'Share of turns that X-Ray records. 0 leaves the sampling to the account\'s own rules.',
    });
    const rule = new xray.CfnSamplingRule(this, 'sampling', {
      samplingRule: {
        ruleName: serviceName,
        priority: 100, reservoirSize: 0, fixedRate: rate.valueAsNumber, version: 1,
        serviceName, serviceType: '*', resourceArn: '*', host: '*', httpMethod: '*', urlPath: '*',
      },
    });
    rule.cfnOptions.condition = unless(rate, '0');
  }
}
