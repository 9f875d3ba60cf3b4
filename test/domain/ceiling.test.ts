import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  offeredPart,
  requireAudiences,
  requireNames,
  requireOffered,
  requireWithinCeiling,
} from '../../src/domain/ceiling.ts';
import { ceilingOf } from '../../src/domain/agent.ts';
import { covers, wider } from '../../src/domain/scope.ts';
import { anAgent } from '../support/fixtures.ts';
import { API, MAIL } from './derivation.ts';
import { refusal, refusalOf, scope } from './rights.ts';

describe('the ceiling of an agent', () => {
  const agent = ceilingOf(
    anAgent({ permissions: ['reports:*'], tools: ['search'], resources: ['q1'], audiences: [API] }),
  );

  test('lets through what lies below it, and a request that names nothing', () => {
    const request = { scope: ['reports:read'], tools: ['search'], resources: ['q1'], audiences: [API] };
    expect(refusalOf(() => requireWithinCeiling(agent, request))).toBeUndefined();
    expect(refusalOf(() => requireWithinCeiling(agent, {}))).toBeUndefined();
    expect(refusalOf(() => requireWithinCeiling(agent, { scope: [], tools: [] }))).toBeUndefined();
  });

  test('refuses each kind of excess under its own name', () => {
    const asking = (request: object) => refusalOf(() => requireWithinCeiling(agent, request));
    expect(asking({ scope: ['mail:send'] })).toBe('scope_exceeds_ceiling');
    expect(asking({ tools: ['shell'] })).toBe('details_exceed_ceiling');
    expect(asking({ resources: ['q2'] })).toBe('details_exceed_ceiling');
    expect(asking({ audiences: [MAIL] })).toBe('audience_not_subset');
  });

  test('an empty list of audiences is none, no list is any', () => {
    expect(refusalOf(() => requireAudiences(anAgent({ audiences: [] }), [API]))).toBe('audience_not_subset');
    expect(refusalOf(() => requireAudiences(anAgent({ audiences: null }), [API]))).toBeUndefined();
  });

  test('refuses exactly what is not covered, and names it', () => {
    fc.assert(
      fc.property(scope, scope, (held, asked) => {
        const refused = refusal(() => requireNames(held, asked, 'scope_not_subset', 'too much'));
        expect(refused === undefined).toBe(covers(held, asked));
        if (refused) expect(refused.details).toEqual({ refused: wider(held, asked) });
      }),
    );
  });
});

describe('the rights that resources know', () => {
  const knows = (...scopes: string[]) => ({ audience: API, scopes, tokenFormat: 'jwt' as const });
  const any = { audience: MAIL, scopes: null, tokenFormat: 'jwt' as const };

  test('are those of all audiences together', () => {
    const both = [knows('reports:read'), knows('mail:*')];
    expect(refusalOf(() => requireOffered(both, ['reports:read', 'mail:send']))).toBeUndefined();
    expect(refusalOf(() => requireOffered(both, ['files:read']))).toBe('scope_exceeds_ceiling');
  });

  test('a resource that lists none knows any; one with an empty list knows none', () => {
    expect(refusalOf(() => requireOffered([any, knows()], ['files:read']))).toBeUndefined();
    expect(refusalOf(() => requireOffered([knows()], ['files:read']))).toBe('scope_exceeds_ceiling');
    expect(refusalOf(() => requireOffered([], ['files:read']))).toBe('scope_exceeds_ceiling');
  });

  test('the part of a default that they know is never refused, and only the rest is left out', () => {
    fc.assert(
      fc.property(scope, scope, (known, wish) => {
        const part = offeredPart([knows(...known)], wish);
        expect(refusalOf(() => requireOffered([knows(...known)], part))).toBeUndefined();
        expect(part).toEqual(wish.filter((right) => covers(known, [right])));
      }),
    );
  });
});
