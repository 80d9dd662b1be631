import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import assert from 'node:assert/strict';

import { App } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';

import { readSettings } from '../lib/settings';
import { ConfabStack } from '../lib/stack';

export interface Resource {
  readonly Type: string;
  readonly Properties: Record<string, any>;
  readonly DeletionPolicy?: string;
  readonly Metadata?: Record<string, string>;
}

export interface Synthesised {
  readonly template: { readonly Resources: Record<string, Resource> };
  /** What cdk-nag finds and nobody explained. */
  readonly findings: readonly string[];
}

/** The template of a stage, with placeholders where the functions' code would be. */
export function synthesise(context: Record<string, string> = {}): Synthesised {
  const outdir = mkdtempSync(join(tmpdir(), 'confab-assembly-'));
  const bots = withWorkflows(outdir);
  const app = new App({
    outdir,
    analyticsReporting: false,
    context: { bots, workflows: constructs, assets: 'none', tenants: 'acme', 'aws:cdk:enable-path-metadata': true, ...context },
  });
  const stack = new ConfabStack(app, readSettings(app.node));
  const { template } = app.synth().getStackByName(stack.stackName);
  const { violations } = new AwsSolutionsChecks().validateScope(app);
  rmSync(outdir, { recursive: true });
  const findings = violations.flatMap(({ ruleName, violatingResources }) =>
    violatingResources.map(({ constructPath }) => `${ruleName} at ${constructPath}`));
  return { template, findings };
}

/** Workflows whose golden definitions are the compiler's own. */
const constructs = resolve(__dirname, '../../../shared/asl/src/workflow_tests/constructs');

/** A bot with workflows that call tools, people and each other. */
function withWorkflows(folder: string): string {
  const bot = join(folder, 'shop');
  mkdirSync(join(bot, 'workflows'), { recursive: true });
  writeFileSync(join(bot, 'bot.toml'), 'name = "shop"\n');
  ['approve', 'child', 'converse', 'event', 'failing', 'scheduled', 'tool'].forEach((name) => cpSync(join(constructs, `${name}.yaml`), join(bot, 'workflows', `${name}.yaml`)));
  return bot;
}

/** Compares with a file beside the tests, or writes it with `npm run update`; `git diff` then shows what has changed. */
export function assertRecorded(file: string, text: string): void {
  const path = resolve(__dirname, file);
  if (process.env.UPDATE) writeFileSync(path, text);
  const recorded = readFileSync(path, 'utf8');
  if (text === recorded) return;
  const [lines, known] = [text.split('\n'), recorded.split('\n')];
  const at = lines.findIndex((line, at) => line !== known[at]);
  assert.fail(`${file} differs from line ${at + 1} on, now \`${lines[at]?.trim()}\`: \`scripts/npx npm run update\`, and read the diff`);
}
