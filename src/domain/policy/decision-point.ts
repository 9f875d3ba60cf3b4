import type { DecisionPointPolicy, PolicyRequest } from './policy.ts';
import { type Bounds, bounded, type Verdict } from './verdict.ts';

/** What a decision point is asked: the `input` of OPA's data API. */
export function decisionInput(request: PolicyRequest): Record<string, unknown> {
  const { step, clientId, tier, roles, subjectKind, subject, authority, pair, depth } = request;
  return {
    step,
    client: { id: clientId, tier, roles },
    subject: { kind: subjectKind, id: subject },
    scope: authority.scope,
    audiences: authority.audiences,
    tools: authority.tools,
    resources: authority.resources,
    delegation: pair,
    task: { depth, opened_at: new Date(request.openedAt).toISOString() },
    time: new Date(request.now).toISOString(),
  };
}

const REASON = /^[^\p{Cc}\u2028\u2029]{1,300}$/u;
const MAX_SECONDS = 315_360_000;

/**
 * What the answer `{"result": …}` means: `true`, `false`, or `{"allow", "reason"?, "obligations"?}`. A result that is
 * undefined refuses, as OPA means it. Undefined: the answer cannot be understood, and so permits nothing.
 */
export function readDecision(
  policy: Pick<DecisionPointPolicy, 'name' | 'reason'>,
  answer: unknown,
  request: PolicyRequest,
): Verdict | undefined {
  if (!isObject(answer)) return undefined;
  const result = member(answer, 'result');
  const decision = typeof result === 'boolean' || result === undefined ? { allow: result ?? false } : result;
  if (!isObject(decision)) return undefined;
  const said = member(decision, 'allow');
  const allow = said === undefined ? false : said;
  const told = member(decision, 'reason');
  const bounds = readObligations(member(decision, 'obligations'));
  if (typeof allow !== 'boolean' || !isReason(told) || !bounds) return undefined;
  const verdict = { name: policy.name, reason: told ?? policy.reason };
  if (!allow) return { ...verdict, effect: 'deny' };
  if (bounds.maxDepth === undefined && bounds.seconds === undefined) return { ...verdict, effect: 'allow' };
  return bounded(verdict, bounds, request);
}

/** Undefined for an obligation that is not known: to pass it over would be to permit more than was said. */
function readObligations(value: unknown): Bounds | undefined {
  if (value === undefined) return {};
  if (!isObject(value)) return undefined;
  const { max_depth: maxDepth, max_lifetime: seconds, ...unknown } = value;
  if (Object.keys(unknown).length > 0) return undefined;
  if (!isNumber(maxDepth, 0, 1_000_000) || !isNumber(seconds, 1, MAX_SECONDS)) return undefined;
  return {
    ...(maxDepth === undefined ? {} : { maxDepth }),
    ...(seconds === undefined ? {} : { seconds }),
  };
}

function isNumber(value: unknown, min: number, max: number): value is number | undefined {
  return value === undefined || (Number.isInteger(value) && Number(value) >= min && Number(value) <= max);
}

function isReason(value: unknown): value is string | undefined {
  return value === undefined || (typeof value === 'string' && REASON.test(value));
}

function member(object: Record<string, unknown>, name: string): unknown {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
