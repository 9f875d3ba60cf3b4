import { describe, expect, test } from '@jest/globals';
import { configDirectory } from './config-directory.ts';

const { load, write, faultsOf, problem } = configDirectory();

describe('a faulty configuration', () => {
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
});
