import fc from 'fast-check';
import type { Terms } from '../../../src/domain/opening.ts';
import { judge } from '../../../src/domain/policy/judge.ts';
import type { BuiltInPolicy, Policy, PolicyMatch, PolicyRequest } from '../../../src/domain/policy/policy.ts';
import { boundTerms, type Ruling, rule } from '../../../src/domain/policy/ruling.ts';
import { DomainError } from '../../../src/domain/errors.ts';
import { T0 } from '../../support/fixtures.ts';
import { right } from '../rights.ts';

const AUDIENCES = ['https://api.example.com/', 'https://mail.example.com/inbox', 'https://pay.example.com/'];
const CLIENTS = ['A', 'B', 'C'];

const some = <T>(values: readonly T[]) =>
  fc.uniqueArray(fc.constantFrom(...values), { minLength: 1, maxLength: 3 });
/** Mostly absent: a policy with many conditions is hardly ever about anything. */
const maybe = <T>(value: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 5, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: value });
const rights = fc.uniqueArray(right, { maxLength: 4 });
const names = fc.uniqueArray(fc.constantFrom('search', 'mail', 'shell', '*'), { maxLength: 3 });
const patterns = fc.constantFrom(...AUDIENCES, 'https://*.example.com/', 'https://api.example.com/**', '**');

export const authority = fc.record({
  scope: rights,
  audiences: fc.uniqueArray(fc.constantFrom(...AUDIENCES), { maxLength: 2 }),
  tools: names,
  resources: names,
});

export const request: fc.Arbitrary<PolicyRequest> = fc.record({
  step: fc.constantFrom('open', 'derive', 'join', 'refresh', 'authorize', 'redeem', 'hand_off'),
  clientId: fc.constantFrom(...CLIENTS),
  tier: fc.constantFrom('free', 'pro', 'enterprise'),
  roles: fc.uniqueArray(fc.constantFrom('support', 'billing'), { maxLength: 2 }),
  subjectKind: fc.constantFrom('user', 'agent'),
  subject: fc.constantFrom('usr_1', 'A', null),
  authority,
  pair: fc.option(fc.record({ parent: fc.constantFrom(...CLIENTS), child: fc.constantFrom(...CLIENTS) })),
  depth: fc.nat(5),
  openedAt: fc.constantFrom(T0, T0 - 600_000),
  now: fc.constant(T0),
});

const match: fc.Arbitrary<PolicyMatch> = fc.record({
  steps: maybe(some(['open', 'derive', 'refresh'] as const)),
  clients: maybe(some(CLIENTS)),
  tiers: maybe(some(['free', 'pro'] as const)),
  roles: maybe(some(['support', 'billing'])),
  subjects: maybe(some(['user', 'agent'] as const)),
  scopes: maybe(fc.uniqueArray(right, { minLength: 1, maxLength: 3 })),
  audiences: maybe(fc.uniqueArray(patterns, { minLength: 1, maxLength: 2 })),
});

const named = {
  name: fc.constantFrom('one', 'two', 'three', 'four'),
  reason: fc.constant('because'),
  match,
  except: maybe(match),
};
const effect = fc.constantFrom('allow' as const, 'deny' as const);
const time = fc
  .tuple(fc.nat(23), fc.constantFrom(0, 30))
  .map(([hour, minute]) => `${String(hour).padStart(2, '0')}:${String(minute).padStart(2, '0')}`);
export const hours = fc
  .record({
    weekdays: some(['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const),
    from: time,
    to: fc.oneof(time, fc.constant('24:00')),
  })
  .filter(({ from, to }) => from !== to);

const pairs = fc.array(
  fc.record({ parent: fc.constantFrom(...CLIENTS, '*'), child: fc.constantFrom(...CLIENTS, '*') }),
  { minLength: 1, maxLength: 2 },
);

export const pairPolicy: fc.Arbitrary<BuiltInPolicy> = fc.record({
  kind: fc.constant('delegate_pairs' as const),
  ...named,
  effect,
  pairs,
});

export const policy: fc.Arbitrary<BuiltInPolicy> = fc.oneof(
  pairPolicy,
  fc.record({
    kind: fc.constant('allowed_hours' as const),
    ...named,
    effect,
    timeZone: fc.constantFrom('UTC', 'Asia/Tokyo'),
    hours: fc.array(hours, { minLength: 1, maxLength: 2 }),
  }),
  fc.record({
    kind: fc.constant('allowed_resources' as const),
    ...named,
    effect,
    audiences: maybe(fc.uniqueArray(patterns, { minLength: 1, maxLength: 2 })),
    resources: maybe(names),
  }),
  fc.record({ kind: fc.constant('tool_lists' as const), ...named, effect, tools: names }),
  fc.record({ kind: fc.constant('max_depth' as const), ...named, maxDepth: fc.nat(6) }),
  fc.record({
    kind: fc.constant('max_lifetime' as const),
    ...named,
    seconds: fc.integer({ min: 1, max: 4000 }),
  }),
);

export const TERMS: Terms = {
  maxDepth: 8,
  maxChildren: 100,
  delegates: [],
  codeChallenge: null,
  keyThumbprint: null,
  leaf: false,
  expiresAt: T0 + 3_600_000,
};

/** What the policies say: a ruling with what it leaves of the terms, or the refusal. */
export function decide(policies: readonly Policy[], asked: PolicyRequest) {
  const verdicts = policies.flatMap((one) =>
    one.kind === 'decision_point' ? [] : (judge(one, asked) ?? []),
  );
  try {
    const ruling: Ruling = rule(verdicts, asked);
    return { ruling, terms: boundTerms(TERMS, ruling, { depth: asked.depth, asked: undefined }) };
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    return { refusal: error };
  }
}
