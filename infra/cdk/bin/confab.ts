import { App, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';

import { readSettings } from '../lib/settings';
import { ConfabStack } from '../lib/stack';

const app = new App();
Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
new ConfabStack(app, readSettings(app.node));
