import { Duration, RemovalPolicy, SecretValue, Validations } from 'aws-cdk-lib';
import * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as s3 from 'aws-cdk-lib/aws-s3';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import * as sqs from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';

import { isKept, type Settings } from './settings';

export type SecretName = 'access' | 'secrets';

export const nameSecret = (name: SecretName, { stage }: Settings): string => `confab/${stage}/${name}`;

/** Everything that outlives a turn. */
export class Storage extends Construct {
  readonly key?: kms.Key;
  readonly table: dynamodb.Table;
  readonly bucket: s3.Bucket;
  readonly parked: sqs.Queue;
  readonly redrive: sqs.Queue;
  /** Occurrences of schedules that started no run although they should have. */
  readonly missed: sqs.Queue;
  readonly access: secretsmanager.Secret;
  readonly secrets: secretsmanager.Secret;

  constructor(scope: Construct, id: string, settings: Settings) {
    super(scope, id);
    const removalPolicy = isKept(settings) ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY;

    if (settings.kms) this.key = new kms.Key(this, 'key', { enableKeyRotation: true, removalPolicy });
    this.table = new dynamodb.Table(this, 'table', {
      partitionKey: { name: 'pk', type: dynamodb.AttributeType.STRING },
      sortKey: { name: 'sk', type: dynamodb.AttributeType.STRING },
      billingMode: dynamodb.BillingMode.PAY_PER_REQUEST,
      timeToLiveAttribute: 'expires',
      stream: dynamodb.StreamViewType.NEW_IMAGE,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      deletionProtection: isKept(settings),
      encryptionKey: this.key,
      removalPolicy,
    });

    this.bucket = new s3.Bucket(this, 'bucket', {
      encryption: s3.BucketEncryption.S3_MANAGED,
      blockPublicAccess: s3.BlockPublicAccess.BLOCK_ALL,
      enforceSSL: true,
      lifecycleRules: [{ abortIncompleteMultipartUploadAfter: Duration.days(1) }],
      removalPolicy,
    });
    Validations.of(this.bucket).acknowledge({
      id: 'AwsSolutions-S1',
      reason: 'Only the functions of this stack can read it, through names found in the table; an access log would need a second bucket and cost more than the objects.',
    });

    this.parked = new sqs.Queue(this, 'parked', {
      retentionPeriod: Duration.days(14),
      encryption: sqs.QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      removalPolicy,
    });
    this.redrive = new sqs.Queue(this, 'redrive', {
      retentionPeriod: Duration.days(14),
      // Lambda wants six times the function's timeout.
      visibilityTimeout: Duration.seconds(180),
      deadLetterQueue: { queue: this.parked, maxReceiveCount: 5 },
      encryption: sqs.QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      removalPolicy,
    });

    this.missed = new sqs.Queue(this, 'missed', {
      retentionPeriod: Duration.days(14),
      encryption: sqs.QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      removalPolicy,
    });

    this.access = this.secret('access', settings, '[[keys]] of the secrets file: who may use the HTTP and WebSocket APIs');
    this.secrets = this.secret('secrets', settings, '[secrets] of the secrets file: keys of model providers, carriers and tools');
  }

  private secret(name: SecretName, settings: Settings, holds: string): secretsmanager.Secret {
    const secretName = nameSecret(name, settings);
    const secret = new secretsmanager.Secret(this, name, {
      secretName,
      description: `Text of a secrets.toml, ${holds}. aws secretsmanager put-secret-value --secret-id ${secretName} --secret-string file://secrets.toml`,
      // Empty on purpose, and a valid file: what belongs here never passes through a template.
      secretStringValue: SecretValue.unsafePlainText(`# ${holds}\nformat = 1\n`),
      removalPolicy: isKept(settings) ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY,
    });
    Validations.of(secret).acknowledge({
      id: 'AwsSolutions-SMG4',
      reason: 'Keys that providers and people hand out cannot be rotated by a function of ours.',
    });
    return secret;
  }
}
