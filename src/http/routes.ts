import type { AppContext } from '../app/context.ts';
import type { RateLimits } from '../app/limits/rate-limits.ts';
import { createLedgerFeed, type LedgerFeed } from '../app/revocations/ledger-feed.ts';
import type { StatusListSource } from '../app/revocations/status-list.ts';
import type { BoundRoute } from './contract.ts';
import { createGuessing } from './guessing.ts';
import { adminAuditRoutes } from './routes/admin-audit.ts';
import { adminStatsRoutes } from './routes/admin-stats.ts';
import { adminTaskRoutes } from './routes/admin-tasks.ts';
import { adminTokenRoutes } from './routes/admin-tokens.ts';
import { agentAuthAgentRoutes } from './routes/agent-auth-agents.ts';
import { agentAuthRegistrationRoutes } from './routes/agent-auth-registration.ts';
import { agentAuthTokenRoutes } from './routes/agent-auth-tokens.ts';
import { agentKeyRoutes } from './routes/agent-keys.ts';
import { agentRegistrationRoutes } from './routes/agent-registration.ts';
import { agentToolRoutes } from './routes/agent-tools.ts';
import { agentRoutes } from './routes/agents.ts';
import { apiKeyRoutes } from './routes/api-keys.ts';
import { consentRoutes } from './routes/consents.ts';
import { exampleApiRoutes } from './routes/example-api.ts';
import { explainRoutes } from './routes/explain.ts';
import { type Draining, healthRoutes } from './routes/health.ts';
import { permissionRoutes } from './routes/permissions.ts';
import { resourceServerRoutes } from './routes/resource-servers.ts';
import { revocationRoutes } from './routes/revocations.ts';
import { roleRoutes } from './routes/roles.ts';
import { securityEventRoutes } from './routes/security-events.ts';
import { statusListRoutes } from './routes/status-lists.ts';
import { taskRoutes } from './routes/tasks.ts';
import { userRoutes } from './routes/users.ts';
import { webhookDeliveryRoutes } from './routes/webhook-deliveries.ts';
import { webhookRoutes } from './routes/webhooks.ts';
import { weatherRoutes } from './routes/weather.ts';

/** Every route of the REST API. */
export function createRoutes(
  context: AppContext,
  ping: () => Promise<void>,
  draining?: Draining,
  /** Absent = no limits. */
  limits?: RateLimits,
  feed: LedgerFeed = quietFeed(context),
  statusLists?: StatusListSource,
): BoundRoute[] {
  const guessing = createGuessing(limits);
  return [
    ...agentRegistrationRoutes(context),
    ...agentToolRoutes(context),
    ...agentRoutes(context),
    ...agentKeyRoutes(context),
    ...apiKeyRoutes(context, guessing),
    ...agentAuthRegistrationRoutes(context),
    ...agentAuthTokenRoutes(context, guessing),
    ...agentAuthAgentRoutes(context),
    ...taskRoutes(context),
    ...adminTokenRoutes(context),
    ...adminAuditRoutes(context),
    ...explainRoutes(context),
    ...adminTaskRoutes(context),
    ...adminStatsRoutes(context),
    ...userRoutes(context),
    ...roleRoutes(context),
    ...permissionRoutes(context),
    ...consentRoutes(context),
    ...resourceServerRoutes(context),
    ...revocationRoutes(context, feed),
    ...securityEventRoutes(context, feed),
    ...(statusLists ? statusListRoutes(context, statusLists) : []),
    ...webhookRoutes(context),
    ...webhookDeliveryRoutes(context),
    ...exampleApiRoutes(context),
    ...weatherRoutes(context),
    ...healthRoutes({ ping }, draining),
  ];
}

/** Nobody tells of commits: what was revoked is found by looking. */
function quietFeed({ store, clock }: AppContext): LedgerFeed {
  const limits = { followers: 100, followersPerClient: 100 };
  return createLedgerFeed({ ledger: store.ledger, onRevoked: () => {}, clock, limits });
}
