import { describe, expect, test } from '@jest/globals';
import { audienceMatches } from '../../../src/domain/policy/audience-pattern.ts';
import { judge } from '../../../src/domain/policy/judge.ts';
import { overlap } from '../../../src/domain/policy/overlap.ts';
import type { BuiltInPolicy, PolicyMatch, PolicyRequest } from '../../../src/domain/policy/policy.ts';
import { boundTerms, policyFacts, rule, UNRULED } from '../../../src/domain/policy/ruling.ts';
import { T0 } from '../../support/fixtures.ts';
import { refusal, refusalOf } from '../rights.ts';
import { TERMS } from './policies.ts';

const ASKED: PolicyRequest = {
  step: 'derive',
  clientId: 'B',
  tier: 'free',
  roles: ['support'],
  subjectKind: 'user',
  subject: 'usr_1',
  authority: {
    scope: ['reports:read'],
    audiences: ['https://api.example.com/'],
    tools: ['search'],
    resources: ['q1'],
  },
  pair: { parent: 'A', child: 'B' },
  depth: 2,
  openedAt: T0,
  now: T0,
};

const NAMED = { name: 'p', reason: 'why', match: {} };
const tools = (effect: 'allow' | 'deny', ...listed: string[]): BuiltInPolicy => ({
  ...NAMED,
  kind: 'tool_lists',
  effect,
  tools: listed,
});
const holding = (over: Partial<PolicyRequest['authority']>): PolicyRequest => ({
  ...ASKED,
  authority: { ...ASKED.authority, ...over },
});

describe('rights that meet', () => {
  test.each([
    ['reports:*', '*:read', true],
    ['reports:read', 'reports:read', true],
    ['*', 'reports', true],
    ['*:*', 'reports:read', true],
    ['reports:*', 'mail:*', false],
    ['reports:read', 'reports', false],
    ['a:*:c', 'a:b:*', true],
  ])('%s and %s: %s', (a, b, meet) => {
    expect([overlap(a, b), overlap(b, a)]).toEqual([meet, meet]);
  });
});

describe('patterns of audiences', () => {
  test.each([
    ['https://api.example.com/', 'https://api.example.com/', true],
    ['https://*.example.com/', 'https://api.example.com/', true],
    ['https://*.example.com/', 'https://evil.test/.example.com/', false],
    ['https://api.example.com/**', 'https://api.example.com/v1/x', true],
    ['https://api.example.com/*', 'https://api.example.com/v1/x', false],
    ['https://api.example.com', 'https://api-example.com', false],
    ['**', 'urn:anything', true],
    ['https://api.example.com/(', 'https://api.example.com/(', true],
  ])('%s and %s: %s', (pattern, audience, matches) => {
    expect(audienceMatches(pattern, audience)).toBe(matches);
  });
});

describe('a list of tools', () => {
  test.each<[BuiltInPolicy, readonly string[], string]>([
    [tools('allow', 'search'), ['search'], 'allow'],
    [tools('allow', 'search'), ['search', 'mail'], 'deny'],
    [tools('allow', 'search'), ['*'], 'deny'],
    [tools('allow', '*'), ['anything'], 'allow'],
    [tools('allow'), [], 'allow'],
    [tools('allow'), ['search'], 'deny'],
    [tools('deny', 'shell'), ['search'], 'allow'],
    [tools('deny', 'shell'), ['search', 'shell'], 'deny'],
    [tools('deny', 'shell'), ['*'], 'deny'],
  ])('%j and %j: %s', (policy, granted, effect) => {
    expect(judge(policy, holding({ tools: granted }))?.effect).toBe(effect);
  });
});

describe('what a policy is about', () => {
  const denies = (match: PolicyMatch, request = ASKED) =>
    judge({ ...NAMED, match, kind: 'tool_lists', effect: 'deny', tools: ['*'] }, request)?.effect === 'deny';

  test.each<[PolicyMatch, boolean]>([
    [{}, true],
    [{ steps: ['derive'] }, true],
    [{ steps: ['open', 'refresh'] }, false],
    [{ clients: ['B'] }, true],
    [{ clients: ['A'] }, false],
    [{ tiers: ['free', 'pro'] }, true],
    [{ tiers: ['enterprise'] }, false],
    [{ roles: ['support', 'billing'] }, true],
    [{ roles: ['billing'] }, false],
    [{ subjects: ['user'] }, true],
    [{ subjects: ['agent'] }, false],
    [{ scopes: ['reports:*'] }, true],
    [{ scopes: ['mail:*'] }, false],
    [{ audiences: ['https://*.example.com/'] }, true],
    [{ audiences: ['https://pay.example.com/'] }, false],
    [{ clients: ['B'], scopes: ['mail:*'] }, false],
  ])('%j: %s', (match, applies) => {
    expect(denies(match)).toBe(applies);
  });

  test('is any part of what is asked: a wildcard that is granted does not slip through', () => {
    expect(denies({ scopes: ['payments:write'] }, holding({ scope: ['reports:read', '*:write'] }))).toBe(
      true,
    );
  });

  test('is spared only if all of what is asked is', () => {
    const policy: BuiltInPolicy = {
      ...NAMED,
      except: { clients: ['B'], scopes: ['reports:*'] },
      kind: 'tool_lists',
      effect: 'deny',
      tools: ['*'],
    };
    expect(judge(policy, ASKED)).toBeUndefined();
    expect(judge(policy, holding({ scope: ['reports:read', 'mail:send'] }))?.effect).toBe('deny');
    expect(judge(policy, { ...ASKED, clientId: 'C' })?.effect).toBe('deny');
  });

  test('where a pair is permitted, is all of what is asked', () => {
    const pairs: BuiltInPolicy = {
      ...NAMED,
      match: { scopes: ['reports:*'] },
      kind: 'delegate_pairs',
      effect: 'allow',
      pairs: [{ parent: 'A', child: '*' }],
    };
    expect(judge(pairs, ASKED)).toEqual({ name: 'p', reason: 'why', effect: 'allow' });
    expect(judge(pairs, holding({ scope: ['reports:read', 'mail:send'] }))).toBeUndefined();
    expect(judge(pairs, { ...ASKED, pair: { parent: 'C', child: 'B' } })).toBeUndefined();
  });

  test('resources within an audience and audiences are looked at both', () => {
    const only: BuiltInPolicy = {
      ...NAMED,
      kind: 'allowed_resources',
      effect: 'allow',
      audiences: ['https://api.example.com/'],
      resources: ['q1'],
    };
    expect(judge(only, ASKED)?.effect).toBe('allow');
    expect(judge(only, holding({ resources: ['q1', 'q2'] }))?.effect).toBe('deny');
    expect(judge(only, holding({ audiences: ['https://pay.example.com/'] }))?.effect).toBe('deny');
    expect(judge({ ...only, effect: 'deny' }, ASKED)?.effect).toBe('deny');
    expect(judge({ ...only, effect: 'deny' }, holding({ audiences: [], resources: ['q2'] }))?.effect).toBe(
      'allow',
    );
  });
});

describe('bounds', () => {
  const depth = (maxDepth: number): BuiltInPolicy => ({ ...NAMED, kind: 'max_depth', maxDepth });
  const life = (seconds: number): BuiltInPolicy => ({ ...NAMED, kind: 'max_lifetime', seconds });
  const ruled = (...policies: BuiltInPolicy[]) =>
    rule(
      policies.flatMap((policy) => judge(policy, ASKED) ?? []),
      ASKED,
    );
  const place = { depth: 2, asked: undefined };

  test('cut what a task would get, each to the narrowest', () => {
    const ruling = ruled(depth(5), depth(3), life(1000), life(60));
    expect(boundTerms(TERMS, ruling, place)).toEqual({ ...TERMS, maxDepth: 1, expiresAt: T0 + 60_000 });
    expect(policyFacts(ruled(depth(3)))).toEqual({
      policy: [{ name: 'p', effect: 'bound', reason: 'why', max_depth: 3 }],
    });
  });

  test('never lengthen anything', () => {
    expect(boundTerms(TERMS, ruled(depth(16), life(86_400)), place)).toEqual(TERMS);
    expect(boundTerms(TERMS, UNRULED, place)).toEqual(TERMS);
    expect(policyFacts(UNRULED)).toEqual({});
  });

  test('refuse a depth that is asked for by name, and say which policy', () => {
    const refused = refusal(() => boundTerms(TERMS, ruled(depth(3)), { depth: 2, asked: 2 }));
    expect(refused?.code).toBe('max_depth_exceeded');
    expect(refused?.message).toContain('at most 1 here: the policy p says so (why)');
    expect(boundTerms(TERMS, ruled(depth(3)), { depth: 2, asked: 1 }).maxDepth).toBe(1);
  });

  test('refuse what is beyond them already', () => {
    expect(refusalOf(() => ruled(depth(1)))).toBe('policy_denied');
    const old = { ...ASKED, openedAt: T0 - 60_000 };
    expect(judge(life(60), old)?.effect).toBe('deny');
    expect(judge(life(61), old)?.effect).toBe('bound');
  });
});
