import type { RateLimits } from '../app/limits/rate-limits.ts';
import type { Agent } from '../domain/agent.ts';
import { admit } from './middleware/rate-limit.ts';
import type { Problem } from './problem.ts';
import type { RequestContext } from './state.ts';

/**
 * S17, for credentials in a body: guessing them is limited. Only failures count, so an agent in good standing is never
 * held up by its own traffic. What proves itself counts for its agent from then on.
 */
export function createGuessing(limits: RateLimits | undefined): Guessing {
  return async (ctx, claimed, attempt) => {
    const { sourceIp } = ctx.state.origin;
    const before = await limits?.authentication.look(sourceIp, claimed);
    if (before && !before.allowed) admit(ctx, before);
    const outcome = await attempt();
    if ('refused' in outcome) {
      // Attempts in parallel were let in together; those beyond the limit learn nothing.
      const counted = await limits?.authentication.failed(sourceIp, claimed);
      if (counted) admit(ctx, counted);
      throw outcome.refused;
    }
    if (outcome.agent) {
      ctx.state.clientId = outcome.agent.clientId;
      const verdict = await limits?.client(outcome.agent);
      if (verdict) admit(ctx, verdict);
    }
    return outcome.proven;
  };
}

export type Outcome<T> =
  | { readonly refused: Problem }
  | {
      readonly proven: T;
      /** Whom the request counts for; absent where a token has settled that. */
      readonly agent?: Pick<Agent, 'clientId' | 'kind' | 'tier'>;
    };

/** Lets an attempt in, and counts it. @throws Problem 429, or the refusal of the attempt. */
export type Guessing = <T>(
  ctx: RequestContext,
  /** What the request claims to be, which may be anything. */
  claimed: string,
  attempt: () => Promise<Outcome<T>>,
) => Promise<T>;
