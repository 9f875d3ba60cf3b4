import type { AppContext } from '../app/context.ts';
import { pairOf, requirePolicies } from '../app/issuance/require-policies.ts';
import type { ResolvedToken } from '../app/tokens/resolve-token.ts';
import { type Agent, defaultScopeOf } from '../domain/agent.ts';
import { offeredPart } from '../domain/ceiling.ts';
import { requireWithinDepth, type Ruling } from '../domain/policy/ruling.ts';
import type { Authority } from '../domain/task.ts';
import type { Audience } from '../domain/task-request.ts';

interface AskedOfPerson {
  readonly agent: Agent;
  /** What would be granted if the person allowed it all. */
  readonly authority: Authority;
  readonly parent: ResolvedToken | undefined;
  /** Null before the person has signed in. */
  readonly subject: string | null;
  /** As the request names it. */
  readonly maxDepth: number | undefined;
}

/**
 * Nobody is asked for what no policy would let them grant. Redemption asks the policies again, and decides (R11).
 * @throws DomainError `policy_denied`, `max_depth_exceeded`; PolicyUnavailableError.
 */
export async function requireAskable(
  context: AppContext,
  { agent, authority, parent, subject, maxDepth }: AskedOfPerson,
): Promise<Ruling> {
  const depth = parent ? parent.task.depth + 1 : 0;
  const ruling = await requirePolicies(context, {
    step: 'authorize',
    agent,
    authority,
    subjectKind: 'user',
    subject,
    depth,
    ...(parent ? pairOf(parent.task.clientId, agent.clientId) : {}),
  });
  requireWithinDepth(ruling, { depth, asked: maxDepth });
  return ruling;
}

/**
 * What a request that names nothing asks for: of the default scope what the audiences know. Signing in alone takes no
 * tools.
 */
export function ownAuthority(agent: Agent, audiences: readonly Audience[]): Authority {
  const { tools, resources } = audiences.length > 0 ? agent : { tools: [], resources: [] };
  const scope = offeredPart(audiences, defaultScopeOf(agent));
  return { scope, audiences: audiences.map(({ audience }) => audience), tools, resources };
}
