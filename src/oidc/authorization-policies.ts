import type { AppContext } from '../app/context.ts';
import { pairOf, requirePolicies } from '../app/issuance/require-policies.ts';
import type { ResolvedToken } from '../app/tokens/resolve-token.ts';
import { type Agent, defaultScopeOf } from '../domain/agent.ts';
import { atMost, requireWithinDepth } from '../domain/policy/ruling.ts';
import type { TaskRequest } from '../domain/task-request.ts';

interface AskedOfPerson {
  readonly agent: Agent;
  /** With the audiences in their registered spelling. */
  readonly request: TaskRequest;
  readonly parent: ResolvedToken | undefined;
}

/**
 * Nobody is asked for what no policy would let them grant. Redemption asks the policies again, and decides.
 * @throws DomainError `policy_denied`, `max_depth_exceeded`; PolicyUnavailableError.
 */
export async function checkPolicies(
  context: AppContext,
  { agent, request, parent }: AskedOfPerson,
): Promise<void> {
  // Signing in alone takes no tools (interactions/consent-terms.ts).
  const { tools, resources } = request.audiences?.length ? agent : { tools: [], resources: [] };
  const own = { scope: defaultScopeOf(agent), audiences: [], tools, resources };
  const depth = parent ? parent.task.depth + 1 : 0;
  const ruling = await requirePolicies(context, {
    step: 'authorize',
    agent,
    authority: atMost(request, parent?.token ?? own),
    subjectKind: 'user',
    subject: parent?.task.subject ?? null,
    depth,
    ...(parent ? pairOf(parent.task.clientId, agent.clientId) : {}),
  });
  requireWithinDepth(ruling, { depth, asked: request.maxDepth });
}
