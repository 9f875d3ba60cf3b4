import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type Config, ConfigurationError, type Fault, loadConfig } from '../../src/config/load.ts';
import { isBearableCost } from '../../src/crypto/password-hash.ts';

/** Everything that production asks for. */
const PRODUCTION = {
  NODE_ENV: 'production',
  ISSUER: 'https://auth.example.com',
  ADMIN_EMAIL: 'admin@example.com',
  ADMIN_PASSWORD: 'correct horse battery',
  ADMIN_CLIENT_SECRET: 'x1'.repeat(16),
  ENCRYPTION_KEY: Buffer.alloc(32, 7).toString('base64url'),
};

let cwd: string;

beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'taskgrant-config-'));
  mkdirSync(join(cwd, 'config'));
});

afterEach(() => rmSync(cwd, { recursive: true, force: true }));

function write(file: string, content: unknown): void {
  writeFileSync(join(cwd, file), typeof content === 'string' ? content : JSON.stringify(content));
}

const load = (env: Record<string, string> = {}): Config => loadConfig(env, cwd);

function faultsOf(env: Record<string, string>): readonly Fault[] {
  try {
    load(env);
  } catch (error) {
    if (error instanceof ConfigurationError) return error.faults;
    throw error;
  }
  return [];
}

const problem = (env: Record<string, string>, setting: string) =>
  faultsOf(env).find((fault) => fault.setting === setting)?.problem;

describe('without any setting', () => {
  test('starts a usable development server', () => {
    expect(load()).toMatchObject({
      env: 'development',
      isProduction: false,
      host: '127.0.0.1',
      port: 3000,
      issuer: 'http://localhost:3000',
      apiAudience: 'http://localhost:3000/api',
      defaultResource: 'http://localhost:3000/api/oauth/protected',
      databaseKind: 'embedded',
      dataDir: join(cwd, 'data'),
      logDir: join(cwd, 'logs'),
      registration: {
        mode: 'open',
        defaultPermissions: ['example:read'],
        defaultTools: [],
        defaultResources: [],
      },
      tasks: { maxDepth: 8, maxChildren: 100 },
      logRotation: { maxSize: '20m', maxDays: 14, compress: true },
    });
  });

  test('knows the example API and the administration scopes', () => {
    const config = load();
    expect(config.resourceServers[0]?.audiences).toEqual(['http://localhost:3000/api/oauth/protected']);
    expect(Object.keys(config.scopes)).toEqual(
      expect.arrayContaining(['example:read', 'read_weather', 'admin:read', 'admin:write']),
    );
  });

  test('has no credential of its own', () => {
    const config = load();
    expect([config.adminPassword, config.adminClientSecret, config.encryptionKey]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });
});

describe('where a setting comes from', () => {
  test('the environment wins over .env, .env over the mode, the mode over the default file', () => {
    write('config/default.json', { port: 1, tasks: { maxDepth: 1, maxChildren: 1 }, logLevel: 'debug' });
    write('config/test.json', { port: 2, tasks: { maxDepth: 2 } });
    write('.env', 'PORT=3\nTASK_MAX_DEPTH=3\n');
    expect(load({ NODE_ENV: 'test', PORT: '4' })).toMatchObject({
      port: 4,
      tasks: { maxDepth: 3, maxChildren: 1 },
      logLevel: 'debug',
    });
  });

  test('.env may choose the mode', () => {
    write('.env', 'NODE_ENV=test');
    write('config/test.json', { port: 2 });
    expect(load().port).toBe(2);
  });

  test('an empty variable counts as not set, an unknown one is nobody’s business', () => {
    expect(load({ PORT: '', NO_SUCH_SETTING: 'x' }).port).toBe(3000);
  });

  test('lists are replaced, maps merge', () => {
    write('config/development.json', {
      registration: { defaultPermissions: ['read:web'] },
      scopes: { extra: { description: 'x' } },
    });
    const config = load();
    expect(config.registration.defaultPermissions).toEqual(['read:web']);
    expect(config.scopes).toHaveProperty('extra');
    expect(config.scopes).toHaveProperty(['example:read']);
  });

  test('an issuer of its own is part of every audience', () => {
    const config = load({ ISSUER: 'http://127.0.0.1:9' });
    expect(config.resourceServers[0]?.audiences).toEqual(['http://127.0.0.1:9/api/oauth/protected']);
    expect(config.apiAudience).toBe('http://127.0.0.1:9/api');
  });
});

describe('a faulty configuration', () => {
  test('names every fault at once: setting, variable, reason and source', () => {
    write('.env', 'LOG_LEVEL=loud');
    write('config/development.json', { lifetimes: { handOff: 3600 }, prot: 3000, tasks: { maxDepht: 1 } });
    const faults = faultsOf({ PORT: 'abc', TRUST_PROXY: 'yes', ISSUER: 'http://localhost:1/' });
    expect(faults).toEqual(
      expect.arrayContaining([
        {
          setting: 'port',
          env: 'PORT',
          source: 'environment',
          problem: 'must be a whole number from 0 to 65535, got "abc"',
        },
        {
          setting: 'logLevel',
          env: 'LOG_LEVEL',
          source: '.env',
          problem: 'must be one of error, warn, info, debug, got "loud"',
        },
        {
          setting: 'lifetimes.handOff',
          env: 'HAND_OFF_TTL',
          source: 'config/development.json',
          problem: 'must be a whole number from 5 to 120, got 3600',
        },
        { setting: 'prot', source: 'config/development.json', problem: 'is not a setting' },
        { setting: 'tasks.maxDepht', source: 'config/development.json', problem: 'is not a setting' },
        expect.objectContaining({ setting: 'trustProxy' }),
        expect.objectContaining({ setting: 'issuer', problem: 'must not end with a slash' }),
      ]),
    );
    expect(faults).toHaveLength(7);
  });

  test('is told in a text that a person can work through', () => {
    expect(() => load({ PORT: 'abc', LOG_MAX_SIZE: 'big' })).toThrow(
      /has 2 faults:\n {2}- port \(PORT\) must .* \[from environment\]\n {2}- logRotation\.maxSize \(LOG_MAX_SIZE\) must be a size/,
    );
  });

  test('never shows a secret', () => {
    const faults = faultsOf({
      ADMIN_PASSWORD: 'hunter2',
      DATABASE_URL: 'mysql://u:hunter2@h/d',
      ENCRYPTION_KEY: 'hunter2',
    });
    expect(faults).toHaveLength(3);
    expect(new ConfigurationError(faults).message).not.toContain('hunter2');
  });

  test.each([
    ['{', 'is not valid JSON'],
    ['[]', 'must hold a JSON object'],
  ])('a settings file holding %s is a fault', (content, expected) => {
    write('config/default.json', content);
    expect(problem({}, 'config/default.json')).toBe(expected);
  });

  test('the mode cannot be set in a file', () => {
    write('config/default.json', { env: 'production' });
    expect(problem({}, 'env')).toBe('cannot be set in a file');
  });

  test('a mode that does not exist is refused', () => {
    expect(problem({ NODE_ENV: 'prod' }, 'env')).toContain('must be one of development, production, test');
  });

  test('a member named __proto__ is refused like any other', () => {
    write('config/development.json', '{"__proto__": {"port": 1}}');
    expect(problem({}, '__proto__')).toBe('is not a setting');
  });

  test.each([
    ['http://localhost:1/?a=b', 'must have no query and no fragment'],
    ['http://localhost:1#', 'must have no query and no fragment'],
    ['ftp://localhost', 'must be an absolute http or https URL'],
    ['localhost:3000', 'must be an absolute http or https URL'],
    ['https://user:pw@example.com', 'must not hold a user name or password'],
    ['https://EXAMPLE.com', 'must be written in its canonical form, https://example.com'],
  ])('the issuer %s is refused', (issuer, expected) => {
    expect(problem({ ISSUER: issuer }, 'issuer')).toBe(expected);
  });

  test.each([
    { memoryKiB: 262_144, passes: 16, parallelism: 16 },
    { memoryKiB: 262_145, passes: 2, parallelism: 1 },
    { memoryKiB: 8_192, passes: 17, parallelism: 1 },
  ])('passwords may cost what the server would bear, and no more: %j', (argon2) => {
    write('config/development.json', { argon2 });
    expect(faultsOf({}).length === 0).toBe(isBearableCost(argon2));
  });

  test('no lifetime exceeds the longest task', () => {
    expect(faultsOf({ TASK_MAX_TTL: '300' }).map((fault) => fault.setting)).toEqual([
      'lifetimes.task',
      'lifetimes.codeTask',
      'lifetimes.accessToken',
    ]);
  });

  test('newcomers get no administration and only scopes that exist', () => {
    write('config/development.json', {
      registration: { defaultPermissions: ['admin:read', '*:*:*', 'unknown'] },
    });
    expect(faultsOf({}).map((fault) => fault.problem)).toEqual([
      expect.stringContaining('must not hold "admin:read"'),
      expect.stringContaining('must not hold "*:*:*"'),
      'names "unknown", which is not in scopes',
    ]);
  });

  test('newcomers get no more scopes than anybody may ask for', () => {
    const names = Array.from({ length: 101 }, (_, i) => `reports-${i}:read`);
    const scopes = Object.fromEntries(names.map((name) => [name, { description: 'x' }]));
    write('config/development.json', { scopes, registration: { defaultPermissions: names } });
    expect(problem({}, 'registration.defaultPermissions')).toContain('must name at most 100 scopes');
    write('config/development.json', { scopes, registration: { defaultPermissions: names.slice(1) } });
    expect(load().registration.defaultPermissions).toHaveLength(100);
  });

  test('one audience has one owner, and the administration API belongs to this server', () => {
    const server = (name: string, audience: string) => ({ name, audiences: [audience], tokenFormat: 'jwt' });
    write('config/development.json', {
      resourceServers: [
        server('a', 'https://a.example'),
        server('a', 'https://a.example'),
        server('b', '{issuer}/api'),
      ],
    });
    expect(faultsOf({}).map((fault) => fault.problem)).toEqual([
      'holds the name "a" twice',
      '"a" claims https://a.example, which belongs to "a"',
      '"b" claims http://localhost:3000/api, which belongs to the administration API',
    ]);
  });

  test('an audience is one with a slash at the end and without', () => {
    const audiences = ['https://a.example/', 'https://a.example', '{issuer}/'];
    write('config/development.json', { resourceServers: [{ name: 'a', audiences, tokenFormat: 'jwt' }] });
    expect(faultsOf({}).map((fault) => fault.problem)).toEqual([
      '"a" claims https://a.example, which belongs to "a"',
      '"a" claims http://localhost:3000/, which belongs to this server',
    ]);
  });

  test.each([
    ['ftp://files.example', 'must be an absolute http, https or urn URI without fragment'],
    ['https://API.example', 'must be written as https://api.example'],
    ['https://name:secret@api.example', 'must not hold credentials'],
    [`https://api.example/${'x'.repeat(500)}`, 'must be an absolute http, https or urn URI'],
  ])('an audience is what it is for everybody who registers one: %s', (audience, expected) => {
    const servers = [{ name: 'a', audiences: [audience], tokenFormat: 'jwt' }];
    write('config/development.json', { resourceServers: servers });
    expect(problem({}, 'resourceServers')).toContain(expected);
  });

  test('a resource server has at most 20 audiences, and a name that people can read', () => {
    const audiences = Array.from({ length: 21 }, (_, i) => `https://api-${i}.example`);
    const servers = [
      { name: 'many', audiences, tokenFormat: 'jwt' },
      { name: 'two\u0000words', audiences: ['https://b.example'], tokenFormat: 'jwt' },
    ];
    write('config/development.json', { resourceServers: servers });
    expect(faultsOf({}).map((fault) => fault.problem)).toEqual([
      expect.stringContaining('must name at most 20 audiences'),
      expect.stringContaining('must have 1 to 100 characters, none of them a control character'),
    ]);
  });
});

describe('a port that nobody knows before', () => {
  test('needs an issuer that leads there', () => {
    expect(problem({ PORT: '0' }, 'issuer')).toMatch(/^must be set where the port \(PORT\) is 0/);
    expect(problem({ ISSUER: 'http://localhost:0' }, 'issuer')).toMatch(/^must be set/);
    expect(load({ PORT: '0', ISSUER: 'https://auth.example.com' })).toMatchObject({ port: 0 });
  });
});

describe('a PostgreSQL', () => {
  const ends = [
    'localhost/db',
    '/db?host=/run/postgresql',
    'u:p%23w@localhost:5432/db',
    'u@/db?host=/run/pg',
  ];
  test.each(ends)('may be postgres://%s', (end) => {
    expect(load({ DATABASE_URL: `postgres://${end}` }).databaseKind).toBe('postgres');
  });

  test.each(['u:se#cret@localhost/db', 'u:se/cret@localhost/db', 'localhost:99999/db', 'localhost:port/db'])(
    'is not at postgres://%s, and nothing of that is told',
    (end) => {
      const faults = faultsOf({ DATABASE_URL: `postgres://${end}` });
      expect(faults).toMatchObject([
        { env: 'DATABASE_URL', problem: expect.stringMatching(/^must be a URL: /) },
      ]);
      expect(JSON.stringify(faults)).not.toContain('cret');
    },
  );
});

describe('the first administrator', () => {
  test.each(['nobody', 'admin@-x.example', 'admin@example..com', `${'a'.repeat(65)}@x.example`])(
    'has no address such as %s',
    (ADMIN_EMAIL) => {
      expect(problem({ ADMIN_EMAIL }, 'adminEmail')).toContain('must be an e-mail address');
    },
  );

  test.each(['admin@localhost', 'Root@Example.com', 'a+b@mail.example.org'])('may be %s', (ADMIN_EMAIL) => {
    expect(load({ ADMIN_EMAIL }).adminEmail).toBe(ADMIN_EMAIL);
  });

  test('has a password of 12 to 256 characters, however many bytes they take', () => {
    const expected = 'must have 12 to 256 characters';
    for (const ADMIN_PASSWORD of ['short', '🔑'.repeat(11), 'x'.repeat(257)])
      expect(problem({ ADMIN_PASSWORD }, 'adminPassword')).toBe(expected);
    for (const ADMIN_PASSWORD of ['🔑'.repeat(12), 'x'.repeat(256)])
      expect(load({ ADMIN_PASSWORD }).adminPassword).toBe(ADMIN_PASSWORD);
  });
});

describe('webhooks', () => {
  test('may be on this machine in development, by the configuration that comes with the product', () => {
    expect(loadConfig({}, join(import.meta.dirname, '../..')).webhooks).toMatchObject({
      allowHttp: true,
      allowedNetworks: ['127.0.0.0/8', '::1/128'],
      ports: 'any',
    });
    expect(load({}).webhooks).toMatchObject({ allowHttp: false, allowedNetworks: [], ports: [443, 8443] });
  });

  test('may be in networks that a variable lists', () => {
    const { webhooks } = load({ WEBHOOK_ALLOWED_NETWORKS: '10.20.0.0/16, fd00::/8', WEBHOOK_TIMEOUT: '3' });
    expect(webhooks).toMatchObject({ allowedNetworks: ['10.20.0.0/16', 'fd00::/8'], timeout: 3 });
    const wrong = 'must be a network such as 10.0.0.0/8 or fd00::/8';
    for (const network of ['10.0.0.1', '10.0.0.0/33', 'localhost', '300.0.0.0/8']) {
      expect(faultsOf({ WEBHOOK_ALLOWED_NETWORKS: network })).toMatchObject([
        { problem: expect.stringContaining(wrong) },
      ]);
    }
  });

  test('keep their log no longer than the events in it', () => {
    write('config/development.json', { retention: { auditDays: 10, webhooksDays: 11 } });
    expect(problem({}, 'retention.webhooksDays')).toBe('must not exceed retention.auditDays (10 days)');
  });
});

describe('in production', () => {
  test('starts when everything is set', () => {
    expect(load({ ...PRODUCTION, DATABASE_URL: 'postgres://db/taskgrant' })).toMatchObject({
      isProduction: true,
      host: '0.0.0.0',
      databaseKind: 'postgres',
      registration: { mode: 'token' },
    });
  });

  test.each(['ADMIN_EMAIL', 'ADMIN_PASSWORD', 'ADMIN_CLIENT_SECRET', 'ENCRYPTION_KEY'] as const)(
    'refuses to start without %s',
    (name) => {
      const { [name]: _, ...rest } = PRODUCTION;
      expect(faultsOf(rest)).toEqual([
        expect.objectContaining({ env: name, problem: 'must be set in production' }),
      ]);
    },
  );

  test.each<[string, Record<string, string>, string]>([
    ['an http issuer', { ISSUER: 'http://auth.example.com' }, 'must be an https URL in production'],
    ['no rate limits', { RATE_LIMITS: 'off' }, 'cannot be off in production'],
    ['http webhooks', { WEBHOOK_ALLOW_HTTP: 'true' }, 'cannot be on in production'],
    ...['127.0.0.0/8', '127.0.0.1/32', '0.0.0.0/0', '169.254.169.254/32', '::1/128', '::/0', 'fe80::/64'].map(
      (network): [string, Record<string, string>, string] => [
        `webhooks in ${network}`,
        { WEBHOOK_ALLOWED_NETWORKS: `10.0.0.0/8,${network}` },
        `must not hold ${network} in production`,
      ],
    ),
    ['a short password', { ADMIN_PASSWORD: 'short' }, 'must have 12 to 256 characters'],
    ['a short client secret', { ADMIN_CLIENT_SECRET: 'x'.repeat(31) }, 'must have at least 32 characters'],
    [
      'a short key',
      { ENCRYPTION_KEY: Buffer.alloc(31).toString('base64url') },
      'must be 32 bytes in base64url',
    ],
    [
      'one value for two secrets',
      { ADMIN_PASSWORD: PRODUCTION.ADMIN_CLIENT_SECRET },
      'must differ from the administrator',
    ],
  ])('refuses %s', (_, change, expected) => {
    expect(faultsOf({ ...PRODUCTION, ...change }).map((fault) => fault.problem)).toEqual([
      expect.stringContaining(expected),
    ]);
  });

  test('accepts http on localhost', () => {
    expect(load({ ...PRODUCTION, ISSUER: 'http://localhost:3000' }).isProduction).toBe(true);
  });

  test('lists refusals together with wrong values', () => {
    const faults = faultsOf({ NODE_ENV: 'production', PORT: 'x', RATE_LIMITS: 'off' });
    expect(faults.map((fault) => fault.env)).toEqual([
      'PORT',
      'ADMIN_EMAIL',
      'ADMIN_PASSWORD',
      'ADMIN_CLIENT_SECRET',
      'ENCRYPTION_KEY',
      'RATE_LIMITS',
    ]);
  });
});
