import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Agent } from '../../src/domain/agent.ts';
import { type Opening, openRoot, taskExpiry } from '../../src/domain/opening.ts';
import type { Audience, ServerLimits, TaskRequest } from '../../src/domain/task-request.ts';
import { anAgent, T0 } from '../support/fixtures.ts';
import { API, LIMITS, MAIL } from './derivation.ts';
import { refusal, refusalOf } from './rights.ts';

const REPORTS: Audience = { audience: API, scopes: ['reports:read', 'reports:write'], tokenFormat: 'jwt' };
const ANYTHING: Audience = { audience: MAIL, scopes: null, tokenFormat: 'opaque' };

interface Scene {
  readonly request?: TaskRequest;
  readonly agent?: Partial<Agent>;
  readonly audiences?: readonly Audience[];
  readonly limits?: Partial<ServerLimits>;
}

function open({ request, agent, audiences = [REPORTS], limits }: Scene = {}): Opening {
  return openRoot({
    request: { codeChallenge: 'challenge', ...request },
    agent: anAgent(agent),
    audiences,
    limits: { ...LIMITS, ...limits },
    now: T0,
  });
}

describe('opening a root task', () => {
  test('gives the default scope, the agent’s tools and resources, and the audience', () => {
    const agent = { defaultScope: ['reports:read'], tools: ['search'], resources: ['q1'] };
    expect(open({ agent })).toEqual({
      authority: { scope: ['reports:read'], audiences: [API], tools: ['search'], resources: ['q1'] },
      terms: {
        maxDepth: 8,
        maxChildren: 100,
        delegates: [],
        codeChallenge: 'challenge',
        keyThumbprint: null,
        leaf: false,
        expiresAt: T0 + 3_600_000,
      },
    });
  });

  /** R10. */
  test.each<[string, TaskRequest, string]>([
    ['a right beyond the ceiling', { scope: ['admin:write'] }, 'scope_exceeds_ceiling'],
    ['one such right among others', { scope: ['reports:read', 'admin:write'] }, 'scope_exceeds_ceiling'],
    ['a wildcard over what it holds', { scope: ['reports:*'] }, 'scope_exceeds_ceiling'],
    ['a tool that it may not use', { tools: ['shell'] }, 'details_exceed_ceiling'],
    ['a resource that it may not use', { resources: ['q9'] }, 'details_exceed_ceiling'],
    ['more levels than the server allows', { maxDepth: 9 }, 'max_depth_exceeded'],
    ['more children than the server allows', { maxChildren: 101 }, 'fanout_exceeded'],
  ])('refuses %s', (_name, request, code) => {
    expect(refusalOf(() => open({ request }))).toBe(code);
  });

  test('refuses an audience outside the agent’s list', () => {
    expect(refusalOf(() => open({ agent: { audiences: [MAIL] } }))).toBe('audience_not_subset');
    expect(refusalOf(() => open({ agent: { audiences: [API] } }))).toBeUndefined();
  });

  test('nothing asked is the default, asked for nothing is nothing', () => {
    expect(open({ request: { tools: [], resources: [] } }).authority).toMatchObject({
      tools: [],
      resources: [],
    });
    expect(open({ agent: { tools: [] } }).authority.tools).toEqual([]);
  });

  test('an agent without permissions gets a task without rights, not one with all', () => {
    expect(open({ agent: { permissions: [], defaultScope: [], tools: [] } }).authority.scope).toEqual([]);
  });
});

describe('what a resource does not know', () => {
  const agent = { permissions: ['reports:*', 'mail:*'], defaultScope: ['reports:read', 'mail:send'] };

  test('is refused when it is asked for, and left out of the default', () => {
    expect(refusalOf(() => open({ agent, request: { scope: ['mail:send'] } }))).toBe('scope_exceeds_ceiling');
    expect(open({ agent }).authority.scope).toEqual(['reports:read']);
  });

  test('is known when another of the audiences takes any right', () => {
    const audiences = [REPORTS, ANYTHING];
    expect(open({ agent, audiences, request: { scope: ['mail:send'] } }).authority.scope).toEqual([
      'mail:send',
    ]);
    expect(open({ agent, audiences }).authority.scope).toEqual(['reports:read', 'mail:send']);
  });
});

/** R7. */
describe('the binding of a root task', () => {
  test('is required', () => {
    expect(refusalOf(() => open({ request: { codeChallenge: undefined } }))).toBe('challenge_required');
  });

  test('a proven key takes the place of the challenge', () => {
    const { terms } = open({ request: { codeChallenge: undefined, keyThumbprint: 'key-1' } });
    expect(terms).toMatchObject({ codeChallenge: null, keyThumbprint: 'key-1', leaf: false });
  });

  test('a verifier is refused: there is nothing yet that it could answer', () => {
    expect(refusal(() => open({ request: { answer: 'x' } }))?.message).toContain('not a code_verifier');
  });

  test('under a waiver the task is a leaf that ends with its token', () => {
    const request = { codeChallenge: undefined, expiresIn: 86_400, delegates: ['B'] };
    const { terms } = open({ request, agent: { challengeWaived: true } });
    expect(terms).toMatchObject({ leaf: true, maxDepth: 0, maxChildren: 0, expiresAt: T0 + 600_000 });
  });

  test('an agent with a waiver that sends a challenge gets a task like any other', () => {
    expect(open({ agent: { challengeWaived: true } }).terms).toMatchObject({ leaf: false, maxDepth: 8 });
  });
});

describe('the limits of a root task', () => {
  test('sixteen levels at most, whatever is configured', () => {
    expect(open({ limits: { maxDepth: 40 } }).terms.maxDepth).toBe(16);
    expect(refusalOf(() => open({ limits: { maxDepth: 40 }, request: { maxDepth: 17 } }))).toBe(
      'max_depth_exceeded',
    );
  });

  test('the agent’s own limits hold where they are lower', () => {
    const agent = { maxDepth: 2, maxChildren: 3, maxTaskSeconds: 60 };
    expect(open({ agent }).terms).toMatchObject({ maxDepth: 2, maxChildren: 3, expiresAt: T0 + 60_000 });
    expect(open({ agent: { maxDepth: 99, maxChildren: 999 } }).terms).toMatchObject({
      maxDepth: 8,
      maxChildren: 100,
    });
    expect(open({ agent: { maxDepth: 0 } }).terms.maxDepth).toBe(0);
  });

  test('they hold for a leaf, which ends with its token at the latest', () => {
    const request = { codeChallenge: undefined };
    const agent = { challengeWaived: true };
    const leaf = (over: Scene) =>
      open({ ...over, request: { ...request, ...over.request }, agent: { ...agent, ...over.agent } });
    expect(leaf({ agent: { maxTaskSeconds: 60 } }).terms).toMatchObject({
      leaf: true,
      expiresAt: T0 + 60_000,
    });
    expect(leaf({ request: { expiresIn: 30 } }).terms.expiresAt).toBe(T0 + 30_000);
    expect(leaf({ limits: { taskMaxSeconds: 10 } }).terms.expiresAt).toBe(T0 + 10_000);
  });

  test('no task is longer than asked, than its agent may or than the server allows', () => {
    const seconds = fc.integer({ min: 1, max: 10_000_000 });
    fc.assert(
      fc.property(fc.option(seconds), fc.option(seconds), seconds, (asked, own, most) => {
        const limits = { ...LIMITS, taskMaxSeconds: most };
        const end = taskExpiry({ expiresIn: asked ?? undefined }, { maxTaskSeconds: own }, limits, T0);
        const expected = Math.min(asked ?? 3600, own ?? Infinity, most);
        expect(end).toBe(T0 + expected * 1000);
      }),
    );
  });
});
