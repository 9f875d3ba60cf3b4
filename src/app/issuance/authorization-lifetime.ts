import type { Agent } from '../../domain/agent.ts';
import { least } from '../../domain/opening.ts';
import type { ServerLimits } from '../../domain/task-request.ts';

interface Authorization {
  readonly agent: Pick<Agent, 'maxTaskSeconds'>;
  /** Seconds that were asked for. */
  readonly expiresIn: number | undefined;
  readonly refreshAllowed: boolean;
}

/**
 * R17: how long the task of an authorization lives at most, in seconds: long with a refresh token, as long as its
 * access token without one (design, lifetimes).
 */
export function authorizationSeconds(
  limits: ServerLimits,
  { agent, expiresIn, refreshAllowed }: Authorization,
): number {
  const longest = refreshAllowed ? limits.codeTaskSeconds : limits.accessTokenSeconds;
  return Math.min(expiresIn ?? longest, longest, least(limits.taskMaxSeconds, agent.maxTaskSeconds));
}
