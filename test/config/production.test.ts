import { describe, expect, test } from '@jest/globals';
import { configDirectory } from './config-directory.ts';

const { load, faultsOf } = configDirectory();

/** Everything that production asks for. */
const PRODUCTION = {
  NODE_ENV: 'production',
  ISSUER: 'https://auth.example.com',
  ADMIN_EMAIL: 'admin@example.com',
  ADMIN_PASSWORD: 'correct horse battery',
  ADMIN_CLIENT_SECRET: 'x1'.repeat(16),
  ENCRYPTION_KEY: Buffer.alloc(32, 7).toString('base64url'),
};

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
