import { isWithinHours } from './hours.ts';
import { isOneOf, permits, restricts } from './match.ts';
import { touching, within } from './overlap.ts';
import type {
  AllowedResources,
  BuiltInPolicy,
  DelegatePair,
  DelegatePairs,
  Policy,
  PolicyRequest,
} from './policy.ts';
import { bounded, type Verdict } from './verdict.ts';

/** What a built-in policy says of a request; undefined when it is not about it. */
export function judge(policy: BuiltInPolicy, request: PolicyRequest): Verdict | undefined {
  if (policy.kind === 'delegate_pairs') return judgePair(policy, request);
  if (!restricts(policy, request)) return undefined;
  switch (policy.kind) {
    case 'allowed_hours':
      return either(
        policy,
        isWithinHours(policy.hours, policy.timeZone, request.now) === (policy.effect === 'allow'),
      );
    case 'allowed_resources':
      return either(policy, resourcesPass(policy, request));
    case 'tool_lists': {
      const { tools } = request.authority;
      const { effect, tools: listed } = policy;
      return either(
        policy,
        effect === 'allow' ? within(listed, tools) : touching(listed, tools).length === 0,
      );
    }
    case 'max_depth':
      return bounded(policy, { maxDepth: policy.maxDepth }, request);
    case 'max_lifetime':
      return bounded(policy, { seconds: policy.seconds }, request);
  }
}

/** The first policy that lets a client derive though the parent does not name it (R9); undefined when none does. */
export function permittedPair(policies: readonly Policy[], request: PolicyRequest): Verdict | undefined {
  for (const policy of policies) {
    if (policy.kind !== 'delegate_pairs' || policy.effect !== 'allow') continue;
    const verdict = judgePair(policy, request);
    if (verdict) return verdict;
  }
  return undefined;
}

function judgePair(policy: DelegatePairs, request: PolicyRequest): Verdict | undefined {
  const { effect, pairs } = policy;
  const { pair } = request;
  if (pair === null || !pairs.some((one) => isPair(one, pair))) return undefined;
  const matched = effect === 'allow' ? permits(policy, request) : restricts(policy, request);
  return matched ? { name: policy.name, effect, reason: policy.reason } : undefined;
}

function isPair(listed: DelegatePair, { parent, child }: DelegatePair): boolean {
  return (
    (listed.parent === '*' || listed.parent === parent) && (listed.child === '*' || listed.child === child)
  );
}

function resourcesPass(policy: AllowedResources, { authority }: PolicyRequest): boolean {
  const { effect, audiences, resources } = policy;
  if (effect === 'allow') {
    return (
      (audiences === undefined || authority.audiences.every((one) => isOneOf(audiences, one))) &&
      (resources === undefined || within(resources, authority.resources))
    );
  }
  return (
    !authority.audiences.some((one) => isOneOf(audiences ?? [], one)) &&
    touching(resources ?? [], authority.resources).length === 0
  );
}

function either({ name, reason }: BuiltInPolicy, passes: boolean): Verdict {
  return { name, reason, effect: passes ? 'allow' : 'deny' };
}
