import { describe, expect, test } from '@jest/globals';
import { configDirectory } from './config-directory.ts';

const { load, write } = configDirectory();

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
