import { z } from 'zod';
import type { AppContext } from '../../app/context.ts';
import { type BoundRoute, contract, route } from '../contract.ts';

const count = z.int();

const dashboard = contract({
  method: 'get',
  path: '/api/admin/stats/dashboard',
  access: 'admin:read',
  summary: 'How many agents, users, tasks, tokens, revocations and audit events there are.',
  tags: ['Administration'],
  returns: {
    status: 200,
    body: z.object({
      agents: z.object({ pending: count, active: count, suspended: count, revoked: count }),
      users: count,
      resource_servers: count,
      tasks: z.object({ active: count, completed: count, failed: count, revoked: count, expired: count }),
      tokens: z.object({ active: count, expired: count, revoked: count }),
      revocations: count,
      audit_events: count,
    }),
  },
});

/** Tasks and tokens are counted by their own rows: what ended with an ancestor still counts as active here. */
export function adminStatsRoutes({ store, clock }: AppContext): BoundRoute[] {
  return [
    route(dashboard, async () => {
      const { resourceServers, auditEvents, ...rest } = await store.counts(clock.now());
      return { ...rest, resource_servers: resourceServers, audit_events: auditEvents };
    }),
  ];
}
