import { configSchema } from './schema.ts';
import { declaredSettings } from './setting.ts';

/** A setting as the documentation and `taskgrant check-config` show it. */
export interface SettingDescription {
  /** Dotted name in config/*.json. */
  name: string;
  env?: string;
  unit?: string;
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
    ...(declared.unit ? { unit: declared.unit } : {}),
    default: declared.defaultText ?? defaultAsText(declared.default),
    description: declared.description,
    secret: declared.secret ?? false,
    requiredInProduction: declared.requiredInProduction ?? false,
  }));
}

function defaultAsText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
