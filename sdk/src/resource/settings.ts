import { TaskgrantError } from '../shared/errors.ts';
import { atServer, isSafe } from '../shared/issuer.ts';
import type { Endpoints, Needs, ProtectOptions } from './options.ts';

/** Options with every default filled in. */
export interface Settings extends Readonly<Omit<ProtectOptions, keyof Needs>> {
  readonly mode: 'live' | 'offline' | 'introspection';
  readonly fallback: 'refuse' | 'introspection';
  readonly maxAge: number;
  readonly cache: number;
  readonly dpop: 'optional' | 'required' | 'off';
  readonly dpopWindow: number;
  /** Without a slash at the end. Undefined when neither it nor an audience that is a URL was given. */
  readonly publicUrl: string | undefined;
  readonly algorithms: readonly string[];
  readonly maxTokenLifetime: number;
  readonly rememberTokens: number;
  readonly endpoints: Endpoints;
  readonly timeout: number;
  readonly fetch: typeof globalThis.fetch;
  /** As it was given: who shares it shares a connection. */
  readonly givenFetch: typeof globalThis.fetch | undefined;
  readonly now: () => number;
}

/** What a request needs, with every default filled in. */
export interface ExactNeeds {
  readonly scope: readonly string[];
  readonly tool: string | undefined;
  readonly task: 'compared' | 'required';
}

const ALGORITHMS = ['ES256', 'EdDSA', 'Ed25519', 'RS256'];
/** Asymmetric only (RFC 8725 §3.1): with `none` or HMAC anybody could sign. */
const ASYMMETRIC = /^(ES(256|384|512)|EdDSA|Ed25519|RS(256|384|512)|PS(256|384|512))$/;
const NUMBERS = ['maxAge', 'cache', 'dpopWindow', 'maxTokenLifetime', 'rememberTokens', 'timeout'] as const;

/** @throws TaskgrantError `option_invalid` that lists every fault: nothing is repaired */
export function readSettings(options: ProtectOptions): Settings {
  const faults = [...urlFaults(options), ...memberFaults(options), ...credentialFaults(options)];
  if (faults.length > 0) {
    throw new TaskgrantError('option_invalid', `the API cannot be protected like this: ${faults.join('; ')}`);
  }
  const { issuer, clock, fetch } = options;
  return {
    ...options,
    mode: options.mode ?? 'live',
    fallback: options.fallback ?? 'refuse',
    maxAge: options.maxAge ?? 5,
    cache: options.cache ?? 0,
    dpop: options.dpop ?? 'optional',
    dpopWindow: options.dpopWindow ?? 60,
    publicUrl: publicUrlOf(options),
    algorithms: options.algorithms ?? ALGORITHMS,
    maxTokenLifetime: options.maxTokenLifetime ?? 86_400,
    rememberTokens: options.rememberTokens ?? 10_000,
    endpoints: {
      jwks: atServer(issuer, '/api/oauth/jwks'),
      introspection: atServer(issuer, '/api/oauth/introspect'),
      revocations: atServer(issuer, '/api/revocations'),
      ...options.endpoints,
    },
    timeout: options.timeout ?? 5_000,
    givenFetch: fetch,
    fetch: fetch ?? ((input, init) => globalThis.fetch(input, init)),
    now: clock ? () => clock.now() : () => Date.now(),
  };
}

/** @throws TaskgrantError `option_invalid` */
export function readNeeds({ scope = [], tool, task = 'compared' }: Needs): ExactNeeds {
  const scopes = typeof scope === 'string' ? scope.split(' ').filter((right) => right !== '') : [...scope];
  if (scopes.some((right) => !/^[\x21\x23-\x5B\x5D-\x7E]+$/.test(right))) {
    throw new TaskgrantError('option_invalid', 'scope must name scopes as RFC 6749 section 3.3 has them');
  }
  if (tool === '') throw new TaskgrantError('option_invalid', 'tool must not be empty');
  if (task !== 'compared' && task !== 'required') {
    throw new TaskgrantError('option_invalid', 'task must be compared or required');
  }
  return { scope: scopes, tool, task };
}

function urlFaults({
  issuer,
  audience,
  endpoints = {},
  allowHttp = false,
  publicUrl,
}: ProtectOptions): string[] {
  const faults: string[] = [];
  const servers = { issuer, ...endpoints };
  for (const [name, text] of Object.entries(servers)) {
    const url = parsed(text);
    if (!url) faults.push(`${name} must be a URL`);
    else if (url.username !== '' || url.password !== '') faults.push(`${name} must hold no credentials`);
    else if (!isSafe(url) && !(allowHttp && url.protocol === 'http:')) {
      faults.push(`${name} must be an https URL, or allowHttp be set`);
    }
  }
  if (typeof issuer === 'string' && /[/?#]$|\?|#/.test(issuer)) {
    faults.push('issuer must have no slash at its end, no query and no fragment');
  }
  if (typeof audience !== 'string' || audience === '') faults.push('audience must be given');
  if (publicUrl !== undefined) {
    if (!isHttp(parsed(publicUrl))) faults.push('publicUrl must be an http(s) URL');
    // The path of a request would become part of them, and proofs be good for any path.
    if (/[?#]/.test(publicUrl)) faults.push('publicUrl must have no query and no fragment');
  }
  return faults;
}

function memberFaults(options: ProtectOptions): string[] {
  const faults = NUMBERS.flatMap((name) => {
    const value = options[name];
    const right = value === undefined || (Number.isFinite(value) && value >= 0);
    return right ? [] : [`${name} must be a number that is not negative`];
  });
  const among = (name: 'mode' | 'fallback' | 'dpop', known: readonly string[]) => {
    const value = options[name];
    if (value !== undefined && !known.includes(value)) faults.push(`${name} must be ${known.join(' or ')}`);
  };
  among('mode', ['live', 'offline', 'introspection']);
  among('fallback', ['refuse', 'introspection']);
  among('dpop', ['optional', 'required', 'off']);
  for (const name of options.algorithms ?? []) {
    if (!ASYMMETRIC.test(name)) faults.push(`algorithms must be asymmetric: ${name}`);
  }
  if (options.dpop !== 'off' && publicUrlOf(options) === undefined) {
    faults.push('publicUrl must be given where the audience is no http(s) URL, or dpop be off');
  }
  return faults;
}

function credentialFaults(options: ProtectOptions): string[] {
  const { mode = 'live', fallback, tool, credentials } = options;
  if (credentials === undefined) {
    const reasons = [
      ...(mode === 'offline' ? [] : [`mode ${mode}`]),
      ...(fallback === 'introspection' ? ['fallback introspection'] : []),
      ...(tool === undefined ? [] : ['tool, which the token itself does not tell,']),
    ];
    return reasons.map((reason) => `${reason} needs credentials`);
  }
  if (typeof credentials === 'function') return [];
  const { clientId, clientSecret } = credentials;
  return clientId && clientSecret ? [] : ['credentials must have a clientId and a clientSecret'];
}

function publicUrlOf({ publicUrl, audience }: ProtectOptions): string | undefined {
  if (publicUrl !== undefined) return publicUrl.replace(/\/+$/, '');
  const url = parsed(audience);
  return isHttp(url) ? url?.origin : undefined;
}

function isHttp(url: URL | undefined): boolean {
  return url?.protocol === 'https:' || url?.protocol === 'http:';
}

function parsed(text: unknown): URL | undefined {
  try {
    return new URL(text as string);
  } catch {
    return undefined;
  }
}
