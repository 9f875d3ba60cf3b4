import { audienceFault, withoutSlash } from '../domain/audience.ts';
import { builtInPermissions } from '../domain/built-in-catalogue.ts';
import { isWildcard } from '../domain/permission.ts';
import { BlockList, isIP } from 'node:net';
import type { Config } from './config.ts';
import { policyRules, unsafePolicies } from './policies.ts';

/** A rule that a configuration breaks: the setting to change and what is wrong with it. */
export type BrokenRule = readonly [setting: string, problem: string];

const OWN_MACHINE = {
  ipv4: [
    ['127.0.0.0', 8],
    ['169.254.0.0', 16],
    ['0.0.0.0', 8],
  ],
  ipv6: [
    ['::', 127],
    ['fe80::', 10],
  ],
} as const;

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]']);

/** What must hold between settings, in every mode. */
export function brokenRules(config: Config): BrokenRule[] {
  return [
    ...issuerRules(config),
    ...lifetimeRules(config),
    ...scopeRules(config),
    ...audienceRules(config),
    ...workerRules(config),
    ...webhookRules(config),
    ...policyRules(config),
  ];
}

/** A delivery is read from its event. */
function webhookRules({ retention }: Config): BrokenRule[] {
  if (retention.webhooksDays <= retention.auditDays) return [];
  return [['retention.webhooksDays', `must not exceed retention.auditDays (${retention.auditDays} days)`]];
}

/** The embedded database is one process's. */
function workerRules({ workers, databaseKind }: Config): BrokenRule[] {
  if (workers === 1 || databaseKind === 'postgres') return [];
  return [
    ['workers', `must be 1 on the embedded database, got ${workers}: set DATABASE_URL to use PostgreSQL`],
  ];
}

/** What is tolerated in development and refused in production, each with the way out. */
export function unsafeInProduction(config: Config): BrokenRule[] {
  const broken: BrokenRule[] = [];
  const issuer = URL.canParse(config.issuer) ? new URL(config.issuer) : undefined;
  if (issuer?.protocol === 'http:' && !LOOPBACK.has(issuer.hostname)) {
    broken.push(['issuer', 'must be an https URL in production (http is accepted on localhost only)']);
  }
  if (config.rateLimits === 'off') broken.push(['rateLimits', 'cannot be off in production']);
  if (config.webhooks.allowHttp) broken.push(['webhooks.allowHttp', 'cannot be on in production']);
  for (const network of config.webhooks.allowedNetworks.filter(isOwnMachine)) {
    broken.push([
      'webhooks.allowedNetworks',
      `must not hold ${network} in production: this machine answers there`,
    ]);
  }
  if (config.adminPassword !== undefined && config.adminPassword === config.adminClientSecret) {
    broken.push(['adminClientSecret', 'must differ from the administrator password']);
  }
  return [...broken, ...unsafePolicies(config)];
}

/** Whether a network holds, or lies in, what means this machine or its cloud's metadata: loopback, link-local, none. */
function isOwnMachine(network: string): boolean {
  const [address = '', prefix] = network.split('/');
  const kind = isIP(address) === 6 ? 'ipv6' : 'ipv4';
  const named = new BlockList();
  named.addSubnet(address, Number(prefix), kind);
  return OWN_MACHINE[kind].some(
    ([own, bits]) => named.check(own, kind) || within(address, [own, bits], kind),
  );
}

function within(address: string, [own, bits]: readonly [string, number], kind: 'ipv4' | 'ipv6'): boolean {
  const range = new BlockList();
  range.addSubnet(own, bits, kind);
  return range.check(address, kind);
}

/** RFC 8414 §2: no query, no fragment. No trailing slash, so that `${issuer}/path` is always right. */
function issuerRules({ issuer }: Config): BrokenRule[] {
  const url = URL.canParse(issuer) ? new URL(issuer) : undefined;
  if (!url || !/^https?:$/.test(url.protocol)) return [['issuer', 'must be an absolute http or https URL']];
  if (url.port === '0') return [['issuer', 'must be set where the port (PORT) is 0: nobody knows it before']];
  if (url.username || url.password) return [['issuer', 'must not hold a user name or password']];
  if (/[?#]/.test(issuer)) return [['issuer', 'must have no query and no fragment']];
  if (issuer.endsWith('/')) return [['issuer', 'must not end with a slash']];
  const canonical = url.pathname === '/' ? url.origin : url.href;
  return issuer === canonical ? [] : [['issuer', `must be written in its canonical form, ${canonical}`]];
}

function lifetimeRules({ lifetimes }: Config): BrokenRule[] {
  const limited = ['task', 'codeTask', 'accessToken'] as const;
  return limited
    .filter((name) => lifetimes[name] > lifetimes.taskMax)
    .map((name) => [`lifetimes.${name}`, `must not exceed lifetimes.taskMax (${lifetimes.taskMax} seconds)`]);
}

function scopeRules({ registration, scopes, resourceServers }: Config): BrokenRule[] {
  const broken: BrokenRule[] = [];
  const builtIn = builtInPermissions();
  const known = (scope: string) => isWildcard(scope) || Object.hasOwn(scopes, scope) || builtIn.has(scope);
  for (const scope of registration.defaultPermissions) {
    if (scope.startsWith('admin:') || scope.startsWith('*')) {
      broken.push([
        'registration.defaultPermissions',
        `must not hold "${scope}": newcomers would administer the server`,
      ]);
    } else if (!known(scope)) {
      broken.push(['registration.defaultPermissions', `names "${scope}", which is not in scopes`]);
    }
  }
  for (const server of resourceServers) {
    for (const scope of (server.scopes ?? []).filter((name) => !known(name))) {
      broken.push(['resourceServers', `"${server.name}" names the scope "${scope}", which is not in scopes`]);
    }
  }
  return broken;
}

/** One owner per audience; the server's own API and the issuer belong to no other resource server. */
function audienceRules(config: Config): BrokenRule[] {
  const { apiAudience, issuer, resourceServers } = config;
  const problems: string[] = [];
  // What is wrong with the issuer is told once.
  const wrongBeginning = issuerRules(config).length > 0 ? issuer : undefined;
  const names = new Set<string>();
  const owners = new Map([
    [apiAudience, 'the administration API'],
    [issuer, 'this server'],
  ]);
  for (const { name, audiences } of resourceServers) {
    if (names.has(name)) problems.push(`holds the name "${name}" twice`);
    names.add(name);
    for (const audience of audiences) {
      const told = wrongBeginning !== undefined && audience.startsWith(wrongBeginning);
      const fault = told ? undefined : audienceFault(audience);
      if (fault !== undefined) problems.push(`"${name}" claims ${audience}, which ${fault}`);
      const owner = owners.get(withoutSlash(audience));
      if (owner) problems.push(`"${name}" claims ${audience}, which belongs to ${owner}`);
      owners.set(withoutSlash(audience), `"${name}"`);
    }
  }
  return problems.map((problem) => ['resourceServers', problem]);
}
