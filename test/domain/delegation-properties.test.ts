import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { deriveChild, narrow } from '../../src/domain/delegation.ts';
import { DomainError } from '../../src/domain/errors.ts';
import type { Authority } from '../../src/domain/task.ts';
import { anAgent, T0 } from '../support/fixtures.ts';
import { API, CHALLENGE, MAIL, sceneOf } from './derivation.ts';
import { permits, refusal, scope } from './rights.ts';

const names = fc.uniqueArray(fc.constantFrom('search', 'mail', 'shell', '*'), { maxLength: 3 });
const audiences = fc.uniqueArray(fc.constantFrom(API, MAIL, 'https://files.example.com'), { maxLength: 3 });
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
const authority = fc.record({ scope, tools: names, resources: names, audiences });
const asked = fc.record({
  scope: maybe(scope),
  tools: maybe(names),
  resources: maybe(names),
  audiences: maybe(audiences),
});
const ceiling = fc.record({
  permissions: scope,
  tools: names,
  resources: names,
  audiences: fc.option(audiences, { nil: null }),
});

function isWithin(parent: Authority, child: Authority): boolean {
  const covered = (held: readonly string[], some: readonly string[]) =>
    some.every((one) => held.some((own) => permits(own, one)));
  return (
    covered(parent.scope, child.scope) &&
    covered(parent.tools, child.tools) &&
    covered(parent.resources, child.resources) &&
    child.audiences.every((audience) => parent.audiences.includes(audience))
  );
}

describe('narrowing', () => {
  test('gives a subset of the parent, or refuses', () => {
    fc.assert(
      fc.property(authority, asked, ceiling, (parent, request, limits) => {
        let child: Authority | undefined;
        const refused = refusal(() => {
          child = narrow(parent, request, anAgent(limits));
        });
        if (refused) return;
        expect(isWithin(parent, child as Authority)).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });

  test('grants exactly what is asked, never a trimmed part of it', () => {
    fc.assert(
      fc.property(authority, asked, ceiling, (parent, request, limits) => {
        try {
          const child = narrow(parent, request, anAgent(limits));
          for (const name of ['scope', 'tools', 'resources', 'audiences'] as const)
            if (request[name] !== undefined) expect(child[name]).toEqual(request[name]);
        } catch (error) {
          if (!(error instanceof DomainError)) throw error;
        }
      }),
      { numRuns: 1000 },
    );
  });

  test('never refuses a subset that is spelled out', () => {
    fc.assert(
      fc.property(authority, fc.infiniteStream(fc.boolean()), (parent, coins) => {
        const part = (list: readonly string[]) => list.filter(() => coins.next().value);
        const request = {
          scope: part(parent.scope),
          tools: part(parent.tools),
          resources: part(parent.resources),
          audiences: part(parent.audiences),
        };
        fc.pre(request.audiences.length > 0);
        expect(narrow(parent, request, anAgent())).toEqual(request);
      }),
    );
  });

  test('what is not asked for lies within the agent’s ceiling as well', () => {
    fc.assert(
      fc.property(authority, ceiling, (parent, limits) => {
        const refused = refusal(() => {
          const child = narrow(parent, {}, anAgent(limits));
          const own = {
            ...limits,
            scope: limits.permissions,
            audiences: limits.audiences ?? parent.audiences,
          };
          expect(isWithin(own, child)).toBe(true);
        });
        if (refused) expect(['scope_exceeds_ceiling', 'audience_not_subset']).toContain(refused.code);
      }),
      { numRuns: 1000 },
    );
  });
});

describe('a chain of derivations, each asking for whatever it likes', () => {
  const step = fc.record({
    asked,
    maxDepth: maybe(fc.nat(6)),
    maxChildren: maybe(fc.nat(12)),
    delegates: maybe(fc.uniqueArray(fc.constantFrom('A', 'B', 'C', '*'), { maxLength: 3 })),
    expiresIn: maybe(fc.integer({ min: 1, max: 200_000 })),
    later: fc.nat(600_000),
  });

  test('only ever gets narrower, shorter and shallower', () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 6 }), (steps) => {
        let parent = sceneOf().parentTask;
        let now = T0;
        for (const { asked: wish, later, ...terms } of steps) {
          now += later;
          const scene = sceneOf({ parent, request: { ...wish, ...terms, answer: CHALLENGE }, now });
          try {
            const child = deriveChild(scene);
            expect(isWithin(parent, child.authority)).toBe(true);
            expect(child.terms.expiresAt).toBeLessThanOrEqual(parent.expiresAt);
            expect(child.terms.maxDepth).toBeLessThan(parent.maxDepth);
            expect(child.terms.maxChildren).toBeLessThanOrEqual(parent.maxChildren);
            expect(parent.delegates).toEqual(expect.arrayContaining([...child.terms.delegates]));
            parent = { ...parent, ...child.authority, ...child.terms, depth: parent.depth + 1 };
          } catch (error) {
            if (!(error instanceof DomainError)) throw error;
          }
        }
      }),
      { numRuns: 1000 },
    );
  });
});
