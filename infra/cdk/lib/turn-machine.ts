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
import { acknowledgeWildcards } from './wildcards';

const folder = resolve(__dirname, '../../../statemachines');

export interface MachineProps {
  /** Amazon States Language, with what is called in `${}`. */
  readonly source: string;
  /** What may stand in `${}`; the rest is somebody's own words. */
  readonly callable: RegExp;
  /** What the source is called in errors. */
  readonly file: string;
  readonly functions: Record<string, lambda.IFunction>;
  readonly type: sfn.StateMachineType;
  /** ARNs of the machines that it starts and waits for, by placeholder. */
  readonly machines?: Record<string, string>;
  /** Where it logs; a group of its own if absent. */
  readonly logGroup?: logs.ILogGroup;
}

/** A machine whose placeholders are the functions, and the machines, that it calls. */
export class Machine extends Construct {
  readonly machine: sfn.StateMachine;

  /** The machine of statemachines/<name>.asl.json. */
  static written(scope: Construct, id: string, functions: Record<string, lambda.IFunction>, type: sfn.StateMachineType): Machine {
    const file = `${id}.asl.json`;
    return new Machine(scope, id, {
      source: readFileSync(resolve(folder, file), 'utf8'), callable: /^/, file: `statemachines/${file}`, functions, type,
    });
  }

  constructor(scope: Construct, id: string, { source, callable, file, functions, type, machines = {}, logGroup }: MachineProps) {
    super(scope, id);
    const names = [...new Set(source.match(/(?<=\$\{)[^}]+/g))].filter((name) => callable.test(name)).sort();
    const called = Object.fromEntries(names.filter((name) => !machines[name]).map((name) => {
      const called = functions[name];
      if (!called) throw new Error(`${file} calls ${name}, which is no function`);
      return [name, called.functionArn];
    }));
    const started = Object.fromEntries(names.flatMap((name) => (machines[name] ? [[name, machines[name]]] : [])));
    const machineName = `${Stack.of(this).stackName}-${id}`;
    const may = [
      ...statement(['lambda:InvokeFunction'], Object.values(called)), ...runAndWait(Stack.of(this), Object.values(started)),
    ];
    const role = new iam.Role(this, 'role', {
      assumedBy: new iam.ServicePrincipal('states.amazonaws.com'),
      inlinePolicies: may.length ? { may: new iam.PolicyDocument({ statements: may }) } : {},
    });
    acknowledgeWildcards(role, may, 'Executions of the machines that it starts, whose names cannot be known.');
    this.machine = new sfn.StateMachine(this, 'machine', {
      stateMachineName: machineName,
      stateMachineType: type,
      definitionBody: sfn.DefinitionBody.fromString(JSON.stringify(JSON.parse(source))),
      definitionSubstitutions: { ...called, ...started },
      role,
      logs: {
        level: sfn.LogLevel.ERROR,
        includeExecutionData: false,
        destination: logGroup ?? new logs.LogGroup(this, 'logs', {
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

const statement = (actions: string[], resources: string[]): iam.PolicyStatement[] =>
  (resources.length ? [new iam.PolicyStatement({ actions, resources })] : []);

/** What Step Functions needs to start machines and hear of their end. */
export function runAndWait(stack: Stack, machines: string[]): iam.PolicyStatement[] {
  if (!machines.length) return [];
  const executions = machines.map((arn) => `${arn.replace(':stateMachine:', ':execution:')}:*`);
  return [
    ...statement(['states:StartExecution'], machines),
    ...statement(['states:DescribeExecution', 'states:StopExecution'], executions),
    ...statement(['events:DescribeRule', 'events:PutRule', 'events:PutTargets'], [
      stack.formatArn({ service: 'events', resource: 'rule', resourceName: 'StepFunctionsGetEventsForStepFunctionsExecutionRule' }),
    ]),
  ];
}
