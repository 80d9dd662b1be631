import { rmSync } from 'node:fs';

import { ArnFormat, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as logs from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';

import { stageCode } from './code';
import type { FunctionSpec } from './functions';
import { environment, type Resources, statements } from './grants';
import type { Settings } from './settings';
import { acknowledgeWildcards } from './wildcards';

export interface RustLambdaProps {
  readonly spec: FunctionSpec;
  readonly resources: Resources;
  readonly settings: Settings;
  /** Beyond the table of functions: what only some stacks allow. */
  readonly also?: readonly iam.PolicyStatement[];
}

/** The ARN of the function `id`, where a reference would go in a circle. */
export const nameFunction = (stack: Stack, id: string): string =>
  stack.formatArn({ service: 'lambda', resource: 'function', resourceName: `${stack.stackName}-${id}`, arnFormat: ArnFormat.COLON_RESOURCE_NAME });

/** A Rust function on arm64 with a role and a log group of its own. */
export class RustLambda extends Construct {
  readonly function: lambda.Function;

  constructor(scope: Construct, id: string, { spec, resources, settings, also = [] }: RustLambdaProps) {
    super(scope, id);
    const functionName = `${Stack.of(this).stackName}-${id}`;
    const logGroup = new logs.LogGroup(this, 'logs', {
      logGroupName: `/aws/lambda/${functionName}`,
      retention: logs.RetentionDays.ONE_MONTH,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const log = new iam.PolicyStatement({
      actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
      resources: [logGroup.logGroupArn],
    });
    const may = [log, ...statements(spec.may, resources), ...also];
    const role = new iam.Role(this, 'role', {
      assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com'),
      inlinePolicies: { may: new iam.PolicyDocument({ statements: may }) },
    });
    acknowledgeWildcards(role, may, 'Ends a prefix that names cannot be known beyond. PERMISSIONS.md lists each, and a test compares it.');
    const code = stageCode(id, spec, settings);
    this.function = new lambda.Function(this, 'function', {
      functionName,
      code: lambda.Code.fromAsset(code),
      handler: 'bootstrap',
      runtime: lambda.Runtime.PROVIDED_AL2023,
      architecture: lambda.Architecture.ARM_64,
      memorySize: spec.memory,
      timeout: Duration.seconds(spec.timeout),
      role,
      logGroup,
      // START, END and REPORT of every call would be most of the bytes logged; the metrics say the same.
      loggingFormat: lambda.LoggingFormat.JSON,
      systemLogLevelV2: lambda.SystemLogLevel.WARN,
      environment: { ...environment(spec.may, resources), ...(spec.sends && settings.carriers) },
    });
    if (spec.may.some(({ on }) => on === 'missed')) {
      (this.function.node.defaultChild as lambda.CfnFunction).deadLetterConfig = { targetArn: resources.missed.arn };
    }
    rmSync(code, { recursive: true });
  }
}
