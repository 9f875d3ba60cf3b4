import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { ConfigurationError, loadConfig } from '../../src/config/load.ts';
import { policiesOf } from '../../src/config/policies.ts';

let cwd: string;

beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'taskgrant-policies-'));
  mkdirSync(join(cwd, 'config'));
});
afterEach(() => rmSync(cwd, { recursive: true, force: true }));

function load(policies: unknown, env: Record<string, string> = {}) {
  writeFileSync(join(cwd, 'config/default.json'), JSON.stringify({ policies }));
  return loadConfig(env, cwd);
}

/** Setting and problem of every fault of a configuration with these rules. */
function faultsOf(rules: unknown, env: Record<string, string> = {}): [string, string][] {
  try {
    load({ rules }, env);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    return error.faults.map(({ setting, problem }) => [setting.replace('policies.rules.', ''), problem]);
  }
}

const NAMED = { name: 'p', reason: 'why' };
const DEPTH = { ...NAMED, kind: 'max_depth', maxDepth: 2 };
const POINT = { ...NAMED, kind: 'decision_point', url: 'http://127.0.0.1:8181', path: 'taskgrant/decision' };
const HOURS = {
  ...NAMED,
  kind: 'allowed_hours',
  effect: 'allow',
  timeZone: 'Europe/Berlin',
  hours: [{ weekdays: ['mon'], from: '22:00', to: '06:00' }],
};

describe('policies of the configuration', () => {
  test('become what decides, in their order, older settings first', () => {
    const config = load(
      {
        allowedDelegations: [{ parent: 'A', child: 'B' }],
        rules: [
          { ...DEPTH, match: { audiences: ['{issuer}/**'] }, except: { clients: ['C'] } },
          { ...POINT, name: 'q', sendToken: true },
        ],
      },
      { POLICY_TOKEN: 'secret', ISSUER: 'https://auth.example.com' },
    );
    expect(policiesOf(config)).toEqual([
      {
        kind: 'delegate_pairs',
        name: 'allowedDelegations',
        reason: 'the configuration allows this pair of clients',
        effect: 'allow',
        match: {},
        pairs: [{ parent: 'A', child: 'B' }],
      },
      { ...DEPTH, match: { audiences: ['https://auth.example.com/**'] }, except: { clients: ['C'] } },
      {
        kind: 'decision_point',
        name: 'q',
        reason: 'why',
        match: {},
        endpoint: 'http://127.0.0.1:8181/v1/data/taskgrant/decision',
        timeoutMs: 500,
        sendsToken: true,
      },
    ]);
  });

  test('are none by default', () => {
    expect(policiesOf(loadConfig({}, cwd))).toEqual([]);
  });

  test('are refused with every fault at once', () => {
    expect(
      faultsOf([
        { kind: 'magic', ...NAMED },
        { ...DEPTH, name: 'with spaces', maxDepth: 17 },
        { ...HOURS, timeZone: 'Mars/Olympus', hours: [{ weekdays: ['monday'], from: '9:00', to: '25:00' }] },
        { ...POINT, url: 'ftp://x', path: '../secret', timeoutMs: 5, extra: true },
      ]),
    ).toEqual([
      ['0.kind', expect.stringContaining('must have a kind: delegate_pairs, allowed_hours')],
      ['1.name', expect.stringContaining('must be a name of letters, digits')],
      ['1.maxDepth', 'must be a whole number from 0 to 16, got 17'],
      ['2.timeZone', 'must be the name of a time zone, such as Europe/Berlin, got "Mars/Olympus"'],
      ['2.hours.0.weekdays.0', 'must be one of mon, tue, wed, thu, fri, sat, sun, got "monday"'],
      ['2.hours.0.from', 'must be a time from 00:00 to 23:59, got "9:00"'],
      ['2.hours.0.to', 'must be a time from 00:00 to 24:00, got "25:00"'],
      ['3.url', expect.stringContaining('must be an http or https URL')],
      ['3.path', expect.stringContaining('must be names with slashes between them')],
      ['3.timeoutMs', 'must be a whole number from 10 to 10000, got 5'],
      ['3.extra', 'is not a setting'],
    ]);
  });

  test.each<[string, object, string]>([
    [
      'hours that end when they begin',
      { ...HOURS, hours: [{ weekdays: ['mon'], from: '09:00', to: '09:00' }] },
      '0.hours.0',
    ],
    ['no hours', { ...HOURS, hours: [] }, '0.hours'],
    ['resources that name nothing', { ...NAMED, kind: 'allowed_resources', effect: 'deny' }, '0'],
    [
      'pairs without effect',
      { ...NAMED, kind: 'delegate_pairs', pairs: [{ parent: 'A', child: 'B' }] },
      '0.effect',
    ],
    ['no reason', { ...DEPTH, reason: '' }, '0.reason'],
    ['a reason that the wire cannot carry', { ...DEPTH, reason: 'said "no"' }, '0.reason'],
    ['a condition that can never hold', { ...DEPTH, match: { scopes: [] } }, '0.match.scopes'],
    ['a condition that nobody knows', { ...DEPTH, match: { users: ['x'] } }, '0.match.users'],
    ['credentials in a URL', { ...POINT, url: 'https://user:pw@opa.example' }, '0.url'],
    ['a URL with a slash at its end', { ...POINT, url: 'https://opa.example/' }, '0.url'],
  ])('%s is a fault', (_name, rule, at) => {
    expect(faultsOf([rule]).map(([setting]) => setting)).toEqual([at]);
  });

  test('have names of their own', () => {
    expect(faultsOf([DEPTH, { ...DEPTH, maxDepth: 3 }, { ...DEPTH, name: 'allowedDelegations' }])).toEqual([
      ['1.name', 'must be a name of its own, "p" is taken'],
      ['2.name', 'must be a name of its own, "allowedDelegations" is taken'],
    ]);
  });

  test('that send a token need one, and in production a connection that nobody can read', () => {
    const sending = { ...POINT, sendToken: true };
    expect(faultsOf([sending])).toEqual([['0.sendToken', 'needs POLICY_TOKEN to be set']]);
    expect(faultsOf([sending], { POLICY_TOKEN: 'x' })).toEqual([]);
    const production = {
      NODE_ENV: 'production',
      ISSUER: 'https://auth.example.com',
      ADMIN_EMAIL: 'admin@example.com',
      ADMIN_PASSWORD: 'correct horse battery',
      ADMIN_CLIENT_SECRET: 'x1'.repeat(16),
      ENCRYPTION_KEY: Buffer.alloc(32, 7).toString('base64url'),
      POLICY_TOKEN: 'x',
    };
    expect(faultsOf([sending], production)).toEqual([]);
    expect(faultsOf([{ ...sending, url: 'https://opa.internal' }], production)).toEqual([]);
    expect(faultsOf([{ ...sending, url: 'http://opa.internal' }], production)).toEqual([
      ['0.url', expect.stringContaining('must be https in production where sendToken is true')],
    ]);
  });

  test('never show the token', () => {
    try {
      load({ rules: [] }, { POLICY_TOKEN: 'hunter2 with spaces' });
      throw new Error('it was accepted');
    } catch (error) {
      expect(error).toBeInstanceOf(ConfigurationError);
      expect((error as Error).message).toContain('POLICY_TOKEN');
      expect((error as Error).message).not.toContain('hunter2');
    }
  });
});
