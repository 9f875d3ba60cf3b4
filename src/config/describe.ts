import { z } from 'zod';
import { configSchema } from './schema.ts';
import { declaredSettings } from './setting.ts';

/** A setting as the documentation and `taskgrant check-config` show it. */
export interface SettingDescription {
  /** Dotted name in config/*.json. */
  name: string;
  env?: string;
  /** Words, or bounds with their unit, as text; empty where the description says all of it. */
  takes: string;
  /** Default as text. */
  default: string;
  description: string;
  secret: boolean;
  requiredInProduction: boolean;
}

/** Every setting, in the order of the documentation. */
export function describeSettings(): SettingDescription[] {
  return declaredSettings(configSchema).map((declared) => ({
    name: declared.name,
    ...(declared.env ? { env: declared.env } : {}),
    takes: [...valuesOf(declared.schema), ...(declared.unit ? [declared.unit] : [])].join(' '),
    default: declared.defaultText ?? defaultAsText(declared.default),
    description: declared.description,
    secret: declared.secret ?? false,
    requiredInProduction: declared.requiredInProduction ?? false,
  }));
}

/** What a schema takes, where words or two bounds tell it. */
function valuesOf(schema: z.core.$ZodType): string[] {
  if (schema instanceof z.ZodOptional) return valuesOf(schema.unwrap());
  if (schema instanceof z.ZodUnion && schema.options.every((part) => valuesOf(part).length > 0))
    return [schema.options.flatMap(valuesOf).join(', ')];
  if (schema instanceof z.ZodBoolean) return ['`true`, `false`'];
  if (schema instanceof z.ZodEnum) return [schema.options.map((word) => `\`${word}\``).join(', ')];
  if (schema instanceof z.ZodNumber) return [`${schema.minValue} to ${schema.maxValue}`];
  return [];
}

function defaultAsText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
