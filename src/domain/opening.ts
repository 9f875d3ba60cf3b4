import { type Agent, ceilingOf, defaultScopeOf } from './agent.ts';
import { offeredPart, requireOffered, requireWithinCeiling } from './ceiling.ts';
import { DomainError } from './errors.ts';
import type { Authority } from './task.ts';
import type { Audience, ServerLimits, TaskRequest } from './task-request.ts';

/** R5: no task may ever stand deeper than this, whatever is configured. */
export const HARD_DEPTH_CAP = 16;

/** What a root task or a child gets beside its authority. Times are milliseconds since the epoch. */
export interface Terms {
  readonly maxDepth: number;
  readonly maxChildren: number;
  readonly delegates: readonly string[];
  readonly codeChallenge: string | null;
  readonly keyThumbprint: string | null;
  readonly leaf: boolean;
  readonly expiresAt: number;
}

export interface Opening {
  readonly authority: Authority;
  readonly terms: Terms;
}

interface RootInput {
  readonly request: TaskRequest;
  readonly agent: Agent;
  /** The audiences asked for, or the default one. */
  readonly audiences: readonly Audience[];
  readonly limits: ServerLimits;
  readonly now: number;
  /** The agent proved itself with an API key: it needs no challenge, and without one the task is a leaf (ADR 19). */
  readonly apiKey?: { readonly refreshable: boolean } | undefined;
}

/**
 * Decides what a root task opened by client_credentials or an API key gets.
 * @throws DomainError when more is asked than the agent or the server allows, or the challenge is missing (R7).
 */
export function openRoot({ request, agent, audiences, limits, now, apiKey }: RootInput): Opening {
  requireWithinCeiling(ceilingOf(agent), {
    ...request,
    audiences: audiences.map(({ audience }) => audience),
  });
  if (request.scope) requireOffered(audiences, request.scope);
  const leaf = requireBinding(request, agent.challengeWaived || apiKey !== undefined);
  // Where neither refresh nor re-issue is possible (R9) the task ends with its token (design, lifetimes).
  const once = apiKey ? !apiKey.refreshable : leaf;
  const expiresAt = taskExpiry(request, agent, limits, now);
  const maxDepth = leaf ? 0 : rootDepth(request, agent, limits);
  return {
    authority: {
      scope: request.scope ?? offeredPart(audiences, defaultScopeOf(agent)),
      audiences: audiences.map(({ audience }) => audience),
      tools: request.tools ?? agent.tools,
      resources: request.resources ?? agent.resources,
    },
    terms: {
      maxDepth,
      maxChildren: leaf ? 0 : fanOut(request, least(limits.maxChildren, agent.maxChildren)),
      delegates: request.delegates ?? [],
      codeChallenge: request.codeChallenge ?? null,
      keyThumbprint: request.keyThumbprint ?? null,
      leaf,
      expiresAt: once ? Math.min(expiresAt, now + limits.accessTokenSeconds * 1000) : expiresAt,
    },
  };
}

/** A `parent_task_id` alone proves nothing (design §3): it is refused instead of being taken for a wish. */
export function requireNoParent({ parentTaskId }: TaskRequest): void {
  if (parentTaskId === undefined) return;
  throw new DomainError('parent_mismatch', 'parent_task_id names a parent that no parent_token proves');
}

/** R7: a challenge is required unless a key is proven or it is waived; answers whether a waiver makes it a leaf. */
function requireBinding(request: TaskRequest, waived: boolean): boolean {
  if (request.answer !== undefined) {
    throw new DomainError('challenge_required', 'a new task takes a code_challenge, not a code_verifier');
  }
  if (request.codeChallenge !== undefined || request.keyThumbprint !== undefined) return false;
  if (waived) return true;
  throw new DomainError(
    'challenge_required',
    'client_credentials needs a code_challenge with code_challenge_method=S256',
  );
}

function rootDepth(request: TaskRequest, agent: Agent, limits: ServerLimits): number {
  const allowed = Math.min(least(limits.maxDepth, agent.maxDepth), HARD_DEPTH_CAP);
  return requestedDepth(request, allowed);
}

/** @throws DomainError `max_depth_exceeded` when more levels are asked than allowed. */
export function requestedDepth(request: TaskRequest, allowed: number): number {
  if (request.maxDepth === undefined) return allowed;
  if (request.maxDepth > allowed) {
    throw new DomainError('max_depth_exceeded', `max_depth may be at most ${allowed} here`, { allowed });
  }
  return request.maxDepth;
}

/** @throws DomainError `fanout_exceeded` when more children are asked than allowed. */
export function fanOut(request: TaskRequest, allowed: number): number {
  if (request.maxChildren === undefined) return allowed;
  if (request.maxChildren > allowed) {
    throw new DomainError('fanout_exceeded', `max_children may be at most ${allowed} here`, { allowed });
  }
  return request.maxChildren;
}

/** Clamped by the server and the agent; children are clamped by their parent as well. */
export function taskExpiry(
  request: TaskRequest,
  agent: Pick<Agent, 'maxTaskSeconds'>,
  limits: ServerLimits,
  now: number,
): number {
  const seconds = request.expiresIn ?? limits.taskDefaultSeconds;
  return now + Math.min(seconds, least(limits.taskMaxSeconds, agent.maxTaskSeconds)) * 1000;
}

export function least(limit: number, own: number | null): number {
  return own === null ? limit : Math.min(limit, own);
}
