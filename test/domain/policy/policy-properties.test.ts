import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { permittedPair } from '../../../src/domain/policy/judge.ts';
import { atMost } from '../../../src/domain/policy/ruling.ts';
import { covers } from '../../../src/domain/scope.ts';
import { authority, decide, pairPolicy, policy, request } from './policies.ts';

const policies = fc.array(policy, { maxLength: 4 });
const pairPolicies = fc.array(pairPolicy, { minLength: 1, maxLength: 3 });

describe('policies together', () => {
  test('one more never permits what was refused, and never lengthens or deepens anything', () => {
    let refused = 0;
    fc.assert(
      fc.property(policies, policy, fc.nat(4), request, (before, more, at, asked) => {
        const without = decide(before, asked);
        const withIt = decide(before.toSpliced(at, 0, more), asked);
        if (without.refusal) {
          refused += 1;
          expect(withIt.refusal?.code).toBe('policy_denied');
        } else if (withIt.terms) {
          expect(withIt.terms.maxDepth).toBeLessThanOrEqual(without.terms.maxDepth);
          expect(withIt.terms.expiresAt).toBeLessThanOrEqual(without.terms.expiresAt);
        }
      }),
      { numRuns: 2000 },
    );
    expect(refused).toBeGreaterThan(200);
  });

  test('the same are refused and the same bounds hold in whatever order they stand', () => {
    fc.assert(
      fc.property(
        policies.chain((list) =>
          fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length })),
        ),
        request,
        ([list, shuffled], asked) => {
          const [one, other] = [decide(list, asked), decide(shuffled, asked)];
          expect(other.refusal?.code).toBe(one.refusal?.code);
          expect(other.terms).toEqual(one.terms);
        },
      ),
      { numRuns: 1000 },
    );
  });

  test('the first that refuses is named, with its reason and nothing of the others', () => {
    fc.assert(
      fc.property(policies, request, (list, asked) => {
        const { refusal } = decide(list, asked);
        if (!refusal) return;
        const first = list.find((one) => decide([one], asked).refusal);
        expect(refusal.details).toEqual({
          policy: [expect.objectContaining({ name: first?.name, effect: 'deny', reason: 'because' })],
        });
      }),
      { numRuns: 1000 },
    );
  });

  test('whoever is refused something is refused more of it as well', () => {
    let refused = 0;
    fc.assert(
      fc.property(policy, request, authority, (one, asked, more) => {
        const wider = {
          ...asked,
          authority: {
            scope: [...asked.authority.scope, ...more.scope],
            audiences: [...asked.authority.audiences, ...more.audiences],
            tools: [...asked.authority.tools, ...more.tools],
            resources: [...asked.authority.resources, ...more.resources],
          },
        };
        if (!decide([one], asked).refusal) return;
        refused += 1;
        expect(decide([one], wider).refusal?.code).toBe('policy_denied');
      }),
      { numRuns: 2000 },
    );
    expect(refused).toBeGreaterThan(200);
  });
});

describe('a pair that a policy permits', () => {
  test('is permitted for less, and never for a right outside of what the policy is about', () => {
    let permitted = 0;
    fc.assert(
      fc.property(pairPolicies, request, fc.infiniteStream(fc.boolean()), (list, asked, coins) => {
        if (!permittedPair(list, asked)) return;
        permitted += 1;
        const part = (values: readonly string[]) => values.filter(() => coins.next().value);
        const { scope, audiences, tools, resources } = asked.authority;
        const less = {
          scope: part(scope),
          audiences: part(audiences),
          tools: part(tools),
          resources: part(resources),
        };
        expect(permittedPair(list, { ...asked, authority: less })).toBeDefined();
        const allowing = list.filter(
          (one) =>
            one.kind === 'delegate_pairs' &&
            one.effect === 'allow' &&
            covers(one.match.scopes ?? scope, scope),
        );
        expect(allowing.length).toBeGreaterThan(0);
      }),
      { numRuns: 4000 },
    );
    expect(permitted).toBeGreaterThan(50);
  });

  test('is nobody’s business where a client derives from its own task', () => {
    fc.assert(
      fc.property(policies, request, (list, asked) => {
        expect(permittedPair(list, { ...asked, pair: null })).toBeUndefined();
      }),
    );
  });
});

test('what is asked for at most is what is named, and what is held where nothing is', () => {
  const held = { scope: ['a', 'b'], audiences: ['x'], tools: ['t'], resources: ['r'] };
  expect(atMost({}, held)).toEqual(held);
  expect(atMost({ scope: ['a'], tools: [] }, held)).toEqual({ ...held, scope: ['a'], tools: [] });
});
