import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { z } from 'zod';
import type { Fault } from './faults.ts';
import { type DeclaredSetting, readFlag } from './setting.ts';

/** A JSON object read from a file, or one level of it. */
export interface Tree {
  [key: string]: unknown;
}

/** Values from one place, with its name for messages. */
export interface Layer {
  source: string;
  values: Tree;
}

/** Variables of a process; names as in process.env. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** config/default.json of the product, used where the working directory has none. */
const SHIPPED_DEFAULTS = join(import.meta.dirname, '../../config/default.json');

/** config/default.json and, when present, config/<mode>.json. `mode` undefined: the first only. */
export function readConfigFiles(cwd: string, mode: string | undefined, faults: Fault[]): Layer[] {
  const defaults =
    readJson(join(cwd, 'config/default.json'), 'config/default.json', faults) ??
    readJson(SHIPPED_DEFAULTS, 'config/default.json', faults);
  const specific =
    mode === undefined
      ? undefined
      : readJson(join(cwd, `config/${mode}.json`), `config/${mode}.json`, faults);
  const layers = [defaults, specific].filter((layer) => layer !== undefined);
  for (const { source, values } of layers) {
    if ('env' in values)
      faults.push({ setting: 'env', env: 'NODE_ENV', source, problem: 'cannot be set in a file' });
    delete values.env;
  }
  return layers;
}

/** The variables of `.env` in the working directory, overridden by the environment; an empty variable is not set. */
export function readVariables(env: Environment, cwd: string, faults: Fault[]): Map<string, Layered> {
  const found = new Map<string, Layered>();
  const add = (source: string, variables: Environment) => {
    for (const [name, value] of Object.entries(variables)) if (value) found.set(name, { source, value });
  };
  const dotenv = readText(join(cwd, '.env'), '.env', faults);
  if (dotenv !== undefined) add('.env', parseEnv(dotenv));
  add('environment', env);
  return found;
}

/** A variable and where it was set. */
export interface Layered {
  source: string;
  value: string;
}

/** Turns the text of a variable into what the setting's type expects; text that does not fit stays text. */
export function fromText(declared: DeclaredSetting, value: string): unknown {
  if (declared.fromText) return declared.fromText(value);
  const type = declared.schema instanceof z.ZodOptional ? declared.schema.unwrap() : declared.schema;
  if (type instanceof z.ZodNumber) return /^-?\d+$/.test(value) ? Number(value) : value;
  if (type instanceof z.ZodBoolean) return readFlag(value);
  return value;
}

function readJson(path: string, source: string, faults: Fault[]): Layer | undefined {
  const content = readText(path, source, faults);
  if (content === undefined) return undefined;
  try {
    const values: unknown = JSON.parse(content);
    if (isTree(values)) return { source, values };
    faults.push({ setting: source, problem: 'must hold a JSON object' });
  } catch {
    faults.push({ setting: source, problem: 'is not valid JSON' });
  }
  return { source, values: {} };
}

/** The text of a file; undefined when there is none. Any other failure to read is a fault. */
function readText(path: string, source: string, faults: Fault[]): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code !== 'ENOENT' && code !== 'ENOTDIR')
      faults.push({ setting: source, problem: `cannot be read (${code})` });
    return undefined;
  }
}

/** Whether a value is a plain JSON object. */
export function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
