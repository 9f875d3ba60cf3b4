import type { Command } from 'commander';
import { ConfigurationError, describeSettings } from '../config/load.ts';
import { EXIT, Told } from './exit-codes.ts';
import { type DataOptions, withJson } from './options.ts';
import { json, note, record } from './print.ts';
import { configuration } from './session.ts';

export function addCheckConfig(program: Command): void {
  withJson(program.command('check-config'))
    .description('Print every setting with its value (secrets hidden), or every fault of the configuration.')
    .action(checkConfig);
}

function checkConfig({ json: asJson }: DataOptions): void {
  try {
    const settings = effectiveSettings();
    if (asJson) json({ settings });
    else record(Object.fromEntries(settings.map(({ name, env, value }) => [env ?? name, value])));
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    if (asJson) json({ faults: error.faults });
    else note(error.message);
    throw new Told(EXIT.configuration);
  }
}

function effectiveSettings() {
  const config = configuration();
  return describeSettings().map(({ name, env, secret }) => {
    const value = name
      .split('.')
      .reduce<unknown>((part, key) => (part as Record<string, unknown> | undefined)?.[key], config);
    return { name, env: env ?? null, value: secret && value !== undefined ? '(hidden)' : (value ?? null) };
  });
}
