import { resolve } from 'node:path';
import type { Settings } from './schema.ts';

/** The whole configuration, checked and complete; directories are absolute, `{issuer}` is replaced. */
export interface Config extends Omit<Settings, 'host' | 'issuer' | 'registration'> {
  readonly host: string;
  /** Absolute URL without a trailing slash. */
  readonly issuer: string;
  readonly registration: Settings['registration'] & { mode: 'open' | 'token' | 'closed' };
  readonly isProduction: boolean;
  readonly databaseKind: 'postgres' | 'embedded';
  /** Audience of this server's own API (administration). No other resource server may own it. */
  readonly apiAudience: string;
}

/** Scopes of the administration API; always known, and kept out of what newcomers may get. */
const ADMINISTRATION_SCOPES: Settings['scopes'] = {
  'admin:read': { description: 'See all agents, tasks, tokens and audit events' },
  'admin:write': { description: 'Administer agents, tasks, tokens and users' },
};

/** Computes what follows from other settings. */
export function complete(settings: Settings, cwd: string): Config {
  const isProduction = settings.env === 'production';
  const issuer = settings.issuer ?? `http://localhost:${settings.port}`;
  const withIssuer = (uri: string) => uri.replace('{issuer}', () => issuer);
  return {
    ...settings,
    host: settings.host ?? (isProduction ? '0.0.0.0' : '127.0.0.1'),
    issuer,
    dataDir: resolve(cwd, settings.dataDir),
    logDir: resolve(cwd, settings.logDir),
    registration: {
      ...settings.registration,
      mode: settings.registration.mode ?? (isProduction ? 'token' : 'open'),
    },
    scopes: { ...settings.scopes, ...ADMINISTRATION_SCOPES },
    defaultResource: withIssuer(settings.defaultResource),
    resourceServers: settings.resourceServers.map((server) => ({
      ...server,
      audiences: server.audiences.map(withIssuer),
    })),
    isProduction,
    databaseKind: settings.databaseUrl ? 'postgres' : 'embedded',
    apiAudience: `${issuer}/api`,
  };
}
