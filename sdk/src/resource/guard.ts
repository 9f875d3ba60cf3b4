import { covers } from '../shared/covers.ts';
import type { Access } from './access.ts';
import { checkProof, type DpopParts } from './dpop.ts';
import { IntrospectionUnavailable } from './introspection.ts';
import {
  type Accepted,
  type Challenges,
  proofRefused,
  type Refused,
  scopeInsufficient,
  tokenRefused,
  tokenRequired,
  toolNotGranted,
  undecided,
} from './refusal.ts';
import { type PresentedToken, presentedToken, type ResourceRequest } from './request.ts';
import type { ExactNeeds } from './settings.ts';
import { checkTaskContext } from './task-context.ts';
import { EXPIRED, type Judge, REVOKED, type Verdict } from './verdict.ts';

export interface GuardParts {
  readonly audience: string;
  readonly needs: ExactNeeds;
  readonly challenges: Challenges;
  readonly judge: Judge;
  /** Undefined: bound tokens are refused. */
  readonly dpop: DpopParts | undefined;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

const NO_HEADERS: Readonly<Record<string, string>> = Object.freeze({});

/**
 * Lets a request in, or says what its answer must be. The steps in order: a token is there; it is live; it is for this
 * API; its key is proved; its scope is enough; what it says of its task is true; the tool was granted.
 */
export async function decide(parts: GuardParts, request: ResourceRequest): Promise<Accepted | Refused> {
  const { challenges } = parts;
  const presented = presentedToken(request);
  if (presented === undefined) return tokenRequired(challenges);
  if (presented === 'unreadable') {
    return tokenRefused(challenges, 'token_unreadable', 'the Authorization header cannot be read');
  }
  const verdict = await parts.judge(presented.token);
  if (verdict.is !== 'live') return answerTo(challenges, verdict);
  const { access } = verdict;
  const headers =
    audienceFault(parts, access) ?? (await keyFault(parts, request, presented, access)) ?? NO_HEADERS;
  if (isRefusal(headers)) return headers;
  const refused =
    scopeFault(parts, presented, access) ??
    checkTaskContext(request, access.task, parts.needs.task === 'required') ??
    (await toolFault(parts, verdict));
  return refused ?? { accepted: true, access: await withTools(parts, verdict), headers };
}

function answerTo(challenges: Challenges, verdict: Exclude<Verdict, { is: 'live' }>): Refused {
  return verdict.is === 'refused'
    ? tokenRefused(challenges, verdict.reason, verdict.detail)
    : undecided(verdict.reason, verdict.retryAfterSeconds);
}

function isRefusal(value: Refused | Readonly<Record<string, string>>): value is Refused {
  return (value as { accepted?: unknown }).accepted === false;
}

function audienceFault({ audience, challenges, now }: GuardParts, access: Access): Refused | undefined {
  if (access.audience !== audience) {
    return tokenRefused(challenges, 'token_for_another_audience', `the access token is not for ${audience}`);
  }
  // Every judge looks at the time; this one is looked at for all of them.
  return access.expiresAt * 1000 <= now() ? answerTo(challenges, EXPIRED) : undefined;
}

/** RFC 9449 §7.1, §7.2: a bound token works only with a proof of its key, and never as a mere bearer token. */
async function keyFault(
  { challenges, dpop }: GuardParts,
  request: ResourceRequest,
  { scheme, token }: PresentedToken,
  { keyThumbprint }: Access,
): Promise<Refused | Readonly<Record<string, string>> | undefined> {
  if (keyThumbprint === undefined) {
    if (challenges.dpop === 'required') {
      return tokenRefused(
        challenges,
        'key_required',
        'only access tokens bound to a key are accepted here',
        'DPoP',
      );
    }
    if (scheme === 'Bearer') return undefined;
    return tokenRefused(
      challenges,
      'not_key_bound',
      'the access token is not bound to a key; send it as a Bearer token',
    );
  }
  if (!dpop)
    return tokenRefused(challenges, 'key_required', 'access tokens bound to a key are not accepted here');
  if (scheme !== 'DPoP') {
    const detail = 'the access token is bound to a key; send it as DPoP with a proof of that key';
    return tokenRefused(challenges, 'key_required', detail, 'DPoP');
  }
  const fault = await checkProof(dpop, request, token, keyThumbprint);
  if (fault) return proofRefused(challenges, `the DPoP proof is refused: ${fault.why}`, fault.nonce);
  return dpop.nonces ? { 'dpop-nonce': await dpop.nonces.current() } : undefined;
}

function scopeFault(
  { challenges, needs }: GuardParts,
  { scheme }: PresentedToken,
  { scope }: Access,
): Refused | undefined {
  return covers(scope, needs.scope) ? undefined : scopeInsufficient(challenges, scheme);
}

async function toolFault(
  { challenges, needs }: GuardParts,
  { tools }: Extract<Verdict, { is: 'live' }>,
): Promise<Refused | undefined> {
  if (needs.tool === undefined) return undefined;
  try {
    const granted = await tools();
    if (granted === undefined) return answerTo(challenges, REVOKED);
    return covers(granted, [needs.tool]) ? undefined : toolNotGranted(needs.tool);
  } catch (error) {
    if (!(error instanceof IntrospectionUnavailable)) throw error;
    return undecided('server_unavailable', error.retryAfterSeconds);
  }
}

/** The tools, where they had to be asked for. */
async function withTools(
  { needs }: GuardParts,
  { access, tools }: Extract<Verdict, { is: 'live' }>,
): Promise<Access> {
  if (needs.tool === undefined || access.tools !== undefined) return access;
  return Object.freeze({ ...access, tools: await tools() });
}
