import { describe, expect, test } from '@jest/globals';
import { configDirectory } from './config-directory.ts';

const { at, load } = configDirectory();

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
      dataDir: at('data'),
      logDir: at('logs'),
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
