import { RemovalPolicy, Stack, Validations } from 'aws-cdk-lib';
import * as apigateway from 'aws-cdk-lib/aws-apigateway';
import * as v2 from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpLambdaIntegration, WebSocketLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import * as logs from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';

const throttle = { rateLimit: 500, burstLimit: 1000 };
const ownChecks = {
  id: 'AwsSolutions-APIG4',
  reason: 'Functions check what API Gateway cannot: Twilio\'s and Meta\'s signatures over the request, and access keys from a secret.',
};

export class Http extends Construct {
  readonly api: v2.HttpApi;

  constructor(scope: Construct, id: string) {
    super(scope, id);
    this.api = new v2.HttpApi(this, 'api', { apiName: `${Stack.of(this).stackName}-http`, createDefaultStage: false });
    const logGroup = new logs.LogGroup(this, 'logs', {
      logGroupName: `/aws/apigateway/${Stack.of(this).stackName}-http`,
      retention: logs.RetentionDays.ONE_MONTH,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    // The route, never the path: that holds who speaks. It is billed by the byte.
    const field = apigateway.AccessLogField;
    const format = { id: field.contextRequestId(), at: field.contextRequestTimeEpoch(), route: '$context.routeKey', status: field.contextStatus(), ms: field.contextResponseLatency(), error: '$context.integrationErrorMessage' };
    new v2.HttpStage(this, 'stage', {
      httpApi: this.api,
      stageName: '$default',
      autoDeploy: true,
      throttle,
      accessLogSettings: {
        destination: new v2.LogGroupLogDestination(logGroup),
        format: apigateway.AccessLogFormat.custom(JSON.stringify(format)),
      },
    });
    Validations.of(this).acknowledge(ownChecks);
  }

  route(routes: readonly string[], handler: lambda.IFunction): void {
    const integration = new HttpLambdaIntegration(handler.node.scope!.node.id, handler);
    for (const route of routes) {
      const [method, path] = route.split(' ') as [v2.HttpMethod, string];
      this.api.addRoutes({ path, methods: [method], integration });
    }
  }
}

export class Sockets extends Construct {
  readonly api: v2.WebSocketApi;
  readonly stage: v2.WebSocketStage;

  constructor(scope: Construct, id: string) {
    super(scope, id);
    this.api = new v2.WebSocketApi(this, 'api', { apiName: `${Stack.of(this).stackName}-sockets` });
    this.stage = new v2.WebSocketStage(this, 'stage', { webSocketApi: this.api, stageName: 'v1', autoDeploy: true, throttle });
    Validations.of(this).acknowledge(ownChecks);
    Validations.of(this).acknowledge({
      id: 'AwsSolutions-APIG1',
      reason: 'Access logs of a WebSocket API need a role set for the whole account and region, which is not one stack\'s to set. Functions log what fails.',
    });
  }

  /** Where clients connect. */
  get url(): string {
    return `${this.api.apiEndpoint}/${this.stage.stageName}`;
  }

  get connectionsArn(): string {
    return this.api.arnForExecuteApiV2('POST/@connections/*', this.stage.stageName);
  }

  route(route: '$connect' | '$disconnect' | '$default', handler: lambda.IFunction): void {
    const integration = new WebSocketLambdaIntegration(handler.node.scope!.node.id, handler);
    this.api.addRoute(route, { integration });
  }
}
