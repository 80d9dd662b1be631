import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';

import type { FunctionSpec } from './functions';
import type { Settings } from './settings';

/** A new folder with what Lambda unpacks: `bootstrap`, and `bots/<name>/` for the functions that think in bots. */
export function stageCode(name: string, { bots }: FunctionSpec, settings: Settings): string {
  const folder = mkdtempSync(join(tmpdir(), 'confab-'));
  placeBootstrap(name, join(folder, 'bootstrap'), settings);
  if (bots) settings.bots.forEach((bot) => placeBot(resolve(bot), join(folder, 'bots')));
  return folder;
}

function placeBootstrap(name: string, to: string, { assets }: Settings): void {
  const bootstrap = resolve(assets, name, 'bootstrap');
  if (assets === 'none') {
    writeFileSync(to, '#!/bin/sh\nexit 1\n');
  } else if (existsSync(bootstrap)) {
    cpSync(bootstrap, to);
  } else {
    throw new Error(`${bootstrap} is not there: run scripts/build first`);
  }
  chmodSync(to, 0o755);
}

/** Hidden files and secrets.toml stay behind, here as on one machine: they are no part of a bot's version. */
function placeBot(bot: string, bots: string): void {
  const manifest = join(bot, 'bot.toml');
  const name = existsSync(manifest) && /^name\s*=\s*["']([^"']+)["']/m.exec(readFileSync(manifest, 'utf8'))?.[1];
  if (!name) throw new Error(`${bot} is not a bot folder: it has no bot.toml with a name`);
  const to = join(bots, name);
  if (existsSync(to)) throw new Error(`two bots are named ${name}: give each its own name`);
  mkdirSync(bots, { recursive: true });
  cpSync(bot, to, {
    recursive: true,
    filter: (path) => path === bot || !(basename(path).startsWith('.') || basename(path) === 'secrets.toml'),
  });
}
