import { z } from 'zod';

/** What a person needs to know about a setting besides its type. */
export interface SettingInfo {
  description: string;
  /** Environment variable; absent for what only makes sense in a file (lists, maps). */
  env?: string;
  unit?: string;
  /** Value when nothing sets it. Absent: optional, or computed as `defaultText` says. */
  default?: unknown;
  /** How the documentation states a computed default. */
  defaultText?: string;
  /** Never shown, neither in faults nor by `check-config`. */
  secret?: boolean;
  requiredInProduction?: boolean;
  /** Reads the environment's text where the type alone does not say how. Returns the text itself if it cannot. */
  fromText?: (text: string) => unknown;
}

/** Every declared setting, by its schema. */
const settingInfo = z.registry<SettingInfo>();

/**
 * Declares a setting: its type and everything the documentation says about it, in one place.
 * The schema is copied, so that two settings may be declared with the same one.
 */
export function setting<T extends z.ZodType>(
  schema: T,
  info: SettingInfo & { default?: NoInfer<z.output<T>> },
): T {
  const own = schema.clone();
  settingInfo.add(own, info);
  return own;
}

/** A whole number between two bounds; one message whatever is wrong with it. */
export function wholeNumber(min: number, max: number): z.ZodNumber {
  const error = `must be a whole number from ${min} to ${max}`;
  return z.number({ error }).int({ error }).min(min, { error }).max(max, { error });
}

/** Text that says something. */
export const text = z.string({ error: 'must be text' }).min(1, { error: 'must not be empty' });

/** A switch. */
export const flag = z.boolean({ error: 'must be true or false' });

/** `true` and `false` as booleans; any other text as it is, for the schema to refuse. */
export function readFlag(value: string): boolean | string {
  if (value === 'true') return true;
  return value === 'false' ? false : value;
}

/** One word of a closed list. */
export function oneOf<const T extends readonly [string, ...string[]]>(words: T) {
  return z.enum(words, { error: `must be one of ${words.join(', ')}` });
}

/** A declared setting with its dotted name. */
export interface DeclaredSetting extends SettingInfo {
  name: string;
  schema: z.ZodType;
}

/** Walks a schema and returns its settings in the order in which they are declared. */
export function declaredSettings(schema: z.ZodObject, prefix = ''): DeclaredSetting[] {
  return Object.entries(schema.shape).flatMap(([key, part]) => {
    const info = settingInfo.get(part);
    if (info) return [{ ...info, name: prefix + key, schema: part }];
    if (part instanceof z.ZodObject) return declaredSettings(part, `${prefix}${key}.`);
    throw new Error(`${prefix}${key} is not declared with setting()`);
  });
}
