import { describe, expect, test } from '@jest/globals';
import { deriveChild } from '../../src/domain/delegation.ts';
import { T0 } from '../support/fixtures.ts';
import {
  API,
  CHALLENGE,
  DELEGATE,
  derive,
  deriveAsDelegate,
  HOUR,
  MAIL,
  type Scene,
  sceneOf,
} from './derivation.ts';
import { refusal, refusalOf } from './rights.ts';

describe('deriving a child task', () => {
  test('that asks for nothing in particular inherits what the parent token holds', () => {
    expect(derive().authority).toEqual({
      scope: ['reports:read', 'reports:write'],
      audiences: [API, MAIL],
      tools: ['search', 'mail'],
      resources: ['q1', 'q2'],
    });
  });

  test('is bounded by the presented token, not by its task', () => {
    const token = { scope: ['reports:read'], tools: ['search'], resources: [], audiences: [API] };
    expect(derive({ token }).authority).toEqual(token);
    expect(refusalOf(() => derive({ token, request: { scope: ['reports:write'] } }))).toBe(
      'scope_not_subset',
    );
  });

  test('grants what is asked, and asking for nothing gives nothing', () => {
    const request = { scope: ['reports:read'], tools: [], resources: ['q2'], audiences: [MAIL] };
    expect(derive({ request }).authority).toEqual(request);
  });

  test.each<[string, Scene['request'], string]>([
    ['a right', { scope: ['mail:send'] }, 'scope_not_subset'],
    ['a wildcard over a right', { scope: ['reports:*'] }, 'scope_not_subset'],
    ['one right too many', { scope: ['reports:read', 'admin:write'] }, 'scope_not_subset'],
    ['a tool', { tools: ['shell'] }, 'details_not_subset'],
    ['a resource', { resources: ['q3'] }, 'details_not_subset'],
    ['an audience', { audiences: ['https://other.example.com'] }, 'audience_not_subset'],
    ['no audience at all', { audiences: [] }, 'audience_not_subset'],
    ['a delegate', { delegates: ['D'] }, 'details_not_subset'],
    ['more levels', { maxDepth: 4 }, 'max_depth_exceeded'],
    ['more children', { maxChildren: 11 }, 'fanout_exceeded'],
  ])('refuses %s that the parent lacks', (_name, request, code) => {
    expect(refusalOf(() => derive({ request: request ?? {} }))).toBe(code);
  });

  test('names what is too much', () => {
    const refused = refusal(() => derive({ request: { scope: ['reports:read', 'mail:send', 'admin:*'] } }));
    expect(refused?.details).toEqual({ refused: ['mail:send', 'admin:*'] });
    expect(refused?.message).toContain('mail:send admin:*');
  });

  test('an unnamed right is what the parent and the agent have in common', () => {
    const agent = { permissions: ['reports:read', 'mail:*'], tools: ['search'], resources: ['q2', 'q3'] };
    expect(derive({ agent }).authority).toMatchObject({
      scope: ['reports:read'],
      tools: ['search'],
      resources: ['q2'],
    });
  });

  test('refuses when they have nothing in common, instead of issuing a token without rights', () => {
    expect(refusalOf(() => derive({ agent: { permissions: ['mail:send'] } }))).toBe('scope_exceeds_ceiling');
    expect(refusalOf(() => derive({ agent: { audiences: [] } }))).toBe('audience_not_subset');
  });

  test('a parent without rights has children without rights', () => {
    expect(derive({ token: { scope: [] }, agent: { permissions: [] } }).authority.scope).toEqual([]);
  });

  test('refuses what the agent may never hold, even when the parent holds it', () => {
    const agent = { permissions: ['reports:read'], tools: ['search'], resources: ['q1'], audiences: [API] };
    const asking = (request: Scene['request']) => refusalOf(() => derive({ agent, request: request ?? {} }));
    expect(asking({ scope: ['reports:write'] })).toBe('scope_exceeds_ceiling');
    expect(asking({ tools: ['mail'] })).toBe('details_exceed_ceiling');
    expect(asking({ resources: ['q2'] })).toBe('details_exceed_ceiling');
    expect(asking({ audiences: [MAIL] })).toBe('audience_not_subset');
    expect(asking({ scope: ['reports:read'], audiences: [API] })).toBeUndefined();
  });
});

describe('the end of a child task', () => {
  test.each([
    ['the default hour, cut to the rest of the parent', {}, HOUR - 60_000],
    ['what was asked', { expiresIn: 60 }, 60_000],
    ['the parent, when more was asked', { expiresIn: 86_400 }, HOUR - 60_000],
  ])('is %s', (_name, request, expected) => {
    const now = T0 + 60_000;
    expect(derive({ request, now }).terms.expiresAt - now).toBe(expected);
  });

  test('is cut by the agent and by the server as well', () => {
    const parent = { expiresAt: T0 + 100 * HOUR };
    const request = { expiresIn: 360_000 };
    expect(derive({ parent, request, agent: { maxTaskSeconds: 5 } }).terms.expiresAt).toBe(T0 + 5000);
    expect(derive({ parent, request, limits: { taskMaxSeconds: 7 } }).terms.expiresAt).toBe(T0 + 7000);
  });

  test('may lie behind the end of the parent token, but never behind that of the parent task', () => {
    expect(derive({ token: { expiresAt: T0 + 1 } }).terms.expiresAt).toBe(T0 + HOUR);
  });
});

/** R5. */
describe('how deep and how wide a tree may grow', () => {
  test('each level allows one less below it', () => {
    expect(derive({ parent: { maxDepth: 4 } }).terms.maxDepth).toBe(3);
    expect(derive({ parent: { maxDepth: 1 } }).terms.maxDepth).toBe(0);
  });

  test('a task that allows no level below it has no children', () => {
    expect(refusalOf(() => derive({ parent: { maxDepth: 0 } }))).toBe('max_depth_exceeded');
  });

  test('a child may ask for less and gets no more', () => {
    expect(derive({ request: { maxDepth: 0 } }).terms.maxDepth).toBe(0);
    expect(derive({ request: { maxDepth: 3 } }).terms.maxDepth).toBe(3);
    expect(derive({ agent: { maxDepth: 1 } }).terms.maxDepth).toBe(1);
    expect(refusalOf(() => derive({ agent: { maxDepth: 1 }, request: { maxDepth: 2 } }))).toBe(
      'max_depth_exceeded',
    );
  });

  test('sixteen levels is the end, whatever the tasks say', () => {
    expect(derive({ parent: { depth: 15, maxDepth: 99 } }).terms.maxDepth).toBeGreaterThan(0);
    expect(refusalOf(() => derive({ parent: { depth: 16, maxDepth: 99 } }))).toBe('max_depth_exceeded');
  });

  test('a parent that has all its children gets no more', () => {
    const full = { childCount: 10, maxChildren: 10 };
    expect(refusalOf(() => derive({ parent: full }))).toBe('fanout_exceeded');
    expect(derive({ parent: { ...full, childCount: 9 } }).terms.maxChildren).toBe(10);
  });

  test('a child has at most as many children as its parent, its agent and the server allow', () => {
    expect(derive({ limits: { maxChildren: 3 } }).terms.maxChildren).toBe(3);
    expect(derive({ agent: { maxChildren: 2 } }).terms.maxChildren).toBe(2);
    expect(derive({ request: { maxChildren: 1 } }).terms.maxChildren).toBe(1);
  });

  test('a task issued under a waiver is a leaf', () => {
    expect(refusalOf(() => derive({ parent: { leaf: true } }))).toBe('leaf_task');
  });
});

/** R8, R9. */
describe('who may derive', () => {
  test('the client of the parent, and the delegates that the parent names', () => {
    expect(refusalOf(() => derive())).toBeUndefined();
    expect(refusalOf(() => deriveAsDelegate())).toBeUndefined();
    expect(refusalOf(() => deriveAsDelegate({ agent: { clientId: 'Z' } }))).toBe('actor_not_permitted');
    expect(refusalOf(() => deriveAsDelegate({ parent: { delegates: [] } }))).toBe('actor_not_permitted');
  });

  test('a wildcard among the delegates names nobody', () => {
    expect(refusalOf(() => deriveAsDelegate({ parent: { delegates: ['*'] } }))).toBe('actor_not_permitted');
    const request = { delegates: ['Z'] };
    expect(refusalOf(() => derive({ parent: { delegates: ['*'] }, request }))).toBe('details_not_subset');
  });

  test('a pair that an administrator allows', () => {
    const stranger = { agent: { clientId: 'Z' }, pairAllowed: true };
    expect(refusalOf(() => deriveAsDelegate(stranger))).toBeUndefined();
  });

  test('of a hand-off token nobody but the client that it was made for', () => {
    const token = { kind: 'handoff' as const, delegateTo: 'B' };
    expect(refusalOf(() => deriveAsDelegate({ token }))).toBeUndefined();
    expect(refusalOf(() => deriveAsDelegate({ token, agent: { clientId: 'C' } }))).toBe(
      'actor_not_permitted',
    );
    expect(refusalOf(() => derive({ token }))).toBe('actor_not_permitted');
    const pair = { token, agent: { clientId: 'C' }, pairAllowed: true };
    expect(refusalOf(() => deriveAsDelegate(pair))).toBe('actor_not_permitted');
  });

  test('a public client is a delegate only with a bound key', () => {
    expect(refusalOf(() => deriveAsDelegate({ publicClient: true }))).toBe('actor_not_permitted');
    const request = { keyThumbprint: 'key-of-B' };
    expect(refusalOf(() => deriveAsDelegate({ publicClient: true, request }))).toBeUndefined();
    expect(refusalOf(() => derive({ publicClient: true }))).toBeUndefined();
  });

  test('delegates are passed on only when named, and only those of the parent', () => {
    expect(derive().terms.delegates).toEqual([]);
    expect(derive({ request: { delegates: ['C'] } }).terms.delegates).toEqual(['C']);
    expect(refusalOf(() => derive({ request: { delegates: ['C', 'D'] } }))).toBe('details_not_subset');
  });

  test('parent_task_id is a cross-check of the parent token', () => {
    const parent = { taskId: 'the-parent' };
    expect(refusalOf(() => derive({ parent, request: { parentTaskId: 'the-parent' } }))).toBeUndefined();
    expect(refusalOf(() => derive({ parent, request: { parentTaskId: 'another' } }))).toBe('parent_mismatch');
  });
});

/** R7. */
describe('the proof that a derivation needs', () => {
  test('the same client answers the challenge of the parent', () => {
    expect(refusalOf(() => deriveChild(sceneOf({ request: {} })))).toBe('verifier_mismatch');
    expect(refusalOf(() => derive({ request: { answer: 'wrong' } }))).toBe('verifier_mismatch');
  });

  test('its child inherits the challenge, or brings one of its own', () => {
    expect(derive().terms.codeChallenge).toBe(CHALLENGE);
    expect(derive({ request: { codeChallenge: 'new' } }).terms.codeChallenge).toBe('new');
  });

  test('a delegate brings its own challenge and needs no verifier of the parent', () => {
    expect(deriveAsDelegate().terms.codeChallenge).toBe('challenge-of-B');
    expect(refusalOf(() => deriveChild(sceneOf({ agent: DELEGATE, request: {} })))).toBe(
      'challenge_required',
    );
    const verifierOnly = sceneOf({ agent: DELEGATE, request: { answer: CHALLENGE } });
    expect(refusalOf(() => deriveChild(verifierOnly))).toBe('challenge_required');
  });

  test('a delegate never inherits the challenge of the parent', () => {
    const request = { keyThumbprint: 'key-of-B' };
    const opening = deriveChild(sceneOf({ agent: DELEGATE, request }));
    expect(opening.terms).toMatchObject({ codeChallenge: null, keyThumbprint: 'key-of-B' });
  });

  test('a bound parent token needs the proof of its key', () => {
    const bound = { parent: { keyThumbprint: 'key-1' } };
    expect(refusalOf(() => derive(bound))).toBe('key_mismatch');
    expect(refusalOf(() => derive({ ...bound, request: { keyThumbprint: 'key-2' } }))).toBe('key_mismatch');
    expect(derive({ ...bound, request: { keyThumbprint: 'key-1' } }).terms.keyThumbprint).toBe('key-1');
  });

  test('a child of a bound task is bound, by its own key when it was handed off', () => {
    const token = { kind: 'handoff' as const, delegateTo: 'B', keyThumbprint: null };
    const parent = { keyThumbprint: 'key-1' };
    expect(refusalOf(() => deriveAsDelegate({ token, parent }))).toBe('key_mismatch');
    const request = { keyThumbprint: 'key-of-B' };
    expect(deriveAsDelegate({ token, parent, request }).terms.keyThumbprint).toBe('key-of-B');
  });
});

describe('a task of a person who has lost a right', () => {
  const subjectRights = ['reports:read'];

  test('passes on what is left of it, and refuses what is asked beyond', () => {
    expect(derive({ subjectRights }).authority.scope).toEqual(['reports:read']);
    expect(derive({ subjectRights, request: { scope: ['reports:read'] } }).authority.scope).toEqual([
      'reports:read',
    ]);
    const beyond = refusalOf(() => derive({ subjectRights, request: { scope: ['reports:write'] } }));
    expect(beyond).toBe('scope_exceeds_ceiling');
    expect(derive({ subjectRights: [] }).authority.scope).toEqual([]);
  });

  test('is wider than its parent by no right that the person has besides', () => {
    const wide = { subjectRights: ['*:*'], request: { scope: ['mail:send'] } };
    expect(refusalOf(() => derive(wide))).toBe('scope_not_subset');
    expect(derive({ subjectRights: ['*:*'] }).authority.scope).toEqual(['reports:read', 'reports:write']);
  });
});
