import { describe, expect, test } from '@jest/globals';
import { ConfigurationError } from '../../src/config/load.ts';
import { isBearableCost } from '../../src/crypto/password-hash.ts';
import { configDirectory } from './config-directory.ts';

const { load, write, faultsOf, problem } = configDirectory();

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
});
