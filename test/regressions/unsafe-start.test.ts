import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { loadConfig } from '../../src/config/load.ts';
import { send } from '../support/requests.ts';
import { startServer } from '../support/server.ts';

/** Cause (agentictrust): a signing key that everybody could read in the sources was used in production. */
const home = mkdtempSync(join(tmpdir(), 'taskgrant-start-'));
afterAll(() => rmSync(home, { recursive: true, force: true }));

const SAFE = {
  NODE_ENV: 'production',
  ISSUER: 'https://auth.example.com',
  DATA_DIR: join(home, 'data'),
  LOG_DIR: join(home, 'logs'),
  ADMIN_EMAIL: 'admin@example.com',
  ADMIN_PASSWORD: 'a password that nobody guesses',
  ADMIN_CLIENT_SECRET: 'tgs_a-secret-that-nobody-guesses-either-0123456789',
  ENCRYPTION_KEY: Buffer.alloc(32, 7).toString('base64url'),
};

describe('signing keys', () => {
  test('came with the sources: now every installation makes its own', async () => {
    const servers = [await startServer(), await startServer()];
    try {
      const sets = await Promise.all(servers.map((server) => send(server, '/api/oauth/jwks')));
      const published = sets.map(({ body }) =>
        body.keys.map(({ x, n, kid }: Record<string, string>) => x ?? n ?? kid),
      );
      expect(published[0]?.length).toBeGreaterThan(0);
      for (const key of published[0] ?? []) expect(published[1]).not.toContain(key);
      for (const { body } of sets) for (const key of body.keys) expect(key).not.toHaveProperty('d');
    } finally {
      for (const server of servers) await server.stop();
    }
  });

  test('could be shared secrets: now no algorithm with one can be configured', () => {
    expect(loadConfig(SAFE, home).signing.algorithm).toBe('ES256');
    for (const SIGNING_ALG of ['HS256', 'none', 'RS1'])
      expect(() => loadConfig({ ...SAFE, SIGNING_ALG }, home)).toThrow(/SIGNING_ALG/);
  });
});

describe('a start in production', () => {
  test.each([
    ['without the key that encrypts signing keys', { ENCRYPTION_KEY: undefined }],
    ['without an administrator', { ADMIN_EMAIL: undefined, ADMIN_PASSWORD: undefined }],
    ['without a secret for administration', { ADMIN_CLIENT_SECRET: undefined }],
    ['over plain http', { ISSUER: 'http://auth.example.com' }],
    ['without rate limits', { RATE_LIMITS: 'off' }],
  ])('%s is refused', (_what, env: Record<string, string | undefined>) => {
    expect(() => loadConfig(SAFE, home)).not.toThrow();
    const [name] = Object.keys(env) as [string];
    expect(() => loadConfig({ ...SAFE, ...env }, home)).toThrow(name);
  });
});
