import type { z } from 'zod';
import { type Config, complete } from './config.ts';
import { ConfigurationError, type Fault } from './faults.ts';
import { mergeLayers, setByName } from './merge.ts';
import { brokenRules, unsafeInProduction } from './rules.ts';
import { configSchema, type Settings } from './schema.ts';
import { type DeclaredSetting, declaredSettings } from './setting.ts';
import {
  type Environment,
  fromText,
  isTree,
  type Layer,
  readConfigFiles,
  readVariables,
  type Tree,
} from './sources.ts';

export type { Config } from './config.ts';
export { ConfigurationError, type Fault } from './faults.ts';
export { describeSettings } from './describe.ts';

/**
 * Reads config/default.json, then config/<NODE_ENV>.json, then `.env`, then the environment; the later wins.
 * @param cwd directory that holds `config/` and `.env`; relative directories in settings start here
 * @throws {ConfigurationError} with every fault found; nothing is repaired
 */
export function loadConfig(env: Environment, cwd: string): Config {
  const faults: Fault[] = [];
  const declared = declaredSettings(configSchema);
  const variables = readVariables(env, cwd, faults);
  const mode = configSchema.shape.env.safeParse(variables.get('NODE_ENV')?.value ?? 'development');
  const files = readConfigFiles(cwd, mode.data, faults);
  const { values, sources } = mergeLayers([
    defaultLayer(declared),
    ...files,
    ...variableLayers(declared, variables),
  ]);

  const report = faultReporter(declared, sources, faults);
  const parsed = configSchema.safeParse(values);
  for (const issue of parsed.error?.issues ?? []) reportIssue(issue, values, declared, report);
  if (mode.data === 'production') reportMissing(declared, values, report);

  // Rules between settings are also checked when single settings are wrong, with defaults in their place,
  // so that one start shows every fault.
  const config = complete(parsed.data ?? withDefaults(declared, values, faults), cwd);
  for (const [name, problem] of brokenRules(config)) report(name, problem);
  if (config.isProduction) for (const [name, problem] of unsafeInProduction(config)) report(name, problem);
  if (faults.length > 0) throw new ConfigurationError(faults);
  return config;
}

type Report = (name: string, problem: string) => void;

/** Adds faults with the variable and source of their setting, each once. */
function faultReporter(
  declared: readonly DeclaredSetting[],
  sources: Map<string, string>,
  faults: Fault[],
): Report {
  return (name, problem) => {
    const setting = declared.find((each) => name === each.name || name.startsWith(`${each.name}.`));
    const source = sources.get(name) ?? (setting && sources.get(setting.name));
    if (faults.some((fault) => fault.setting === name && fault.problem === problem)) return;
    faults.push({
      setting: name,
      ...(setting?.env ? { env: setting.env } : {}),
      ...(source ? { source } : {}),
      problem,
    });
  };
}

function reportIssue(
  issue: z.core.$ZodIssue,
  values: Tree,
  declared: readonly DeclaredSetting[],
  report: Report,
): void {
  const name = issue.path.join('.');
  if (issue.code === 'unrecognized_keys') {
    for (const key of issue.keys) report(name ? `${name}.${key}` : key, 'is not a setting');
    return;
  }
  const secret = declared.some((each) => each.secret && each.name === name);
  const value = issue.path.reduce<unknown>((part, key) => (part as Tree | undefined)?.[String(key)], values);
  const shown = secret || value === undefined ? '' : `, got ${JSON.stringify(value)?.slice(0, 80)}`;
  const keyProblem = issue.code === 'invalid_key' ? issue.issues[0]?.message : undefined;
  report(name, `${keyProblem ?? issue.message}${shown}`);
}

function reportMissing(declared: readonly DeclaredSetting[], values: Tree, report: Report): void {
  for (const setting of declared) {
    if (setting.requiredInProduction && values[setting.name] === undefined) {
      report(setting.name, 'must be set in production');
    }
  }
}

function defaultLayer(declared: readonly DeclaredSetting[]): Layer {
  const values: Tree = {};
  for (const setting of declared) {
    if (setting.default !== undefined) setByName(values, setting.name, structuredClone(setting.default));
  }
  return { source: 'default', values };
}

function variableLayers(
  declared: readonly DeclaredSetting[],
  variables: ReturnType<typeof readVariables>,
): Layer[] {
  return declared.flatMap((setting) => {
    const variable = setting.env ? variables.get(setting.env) : undefined;
    if (!variable) return [];
    const values: Tree = {};
    setByName(values, setting.name, fromText(setting, variable.value));
    return [{ source: variable.source, values }];
  });
}

/** The settings that are right, and defaults for those that are not: only to look for further faults. */
function withDefaults(
  declared: readonly DeclaredSetting[],
  values: Tree,
  faults: readonly Fault[],
): Settings {
  const known: Tree = {};
  for (const setting of declared) {
    const broken = faults.some(
      (fault) => fault.setting === setting.name || fault.setting.startsWith(`${setting.name}.`),
    );
    const value = setting.name
      .split('.')
      .reduce<unknown>((part, key) => (isTree(part) ? part[key] : undefined), values);
    // The names in a faulty catalogue still count as known, or every use of them would be a fault as well.
    const usable =
      setting.name === 'scopes' ? isTree(value) : !broken && setting.schema.safeParse(value).success;
    setByName(known, setting.name, usable ? value : setting.default);
  }
  return known as unknown as Settings;
}
