import { createAdmin } from '@taskgrant/sdk/admin';

const { ISSUER = 'http://localhost:3000', ADMIN_SECRET = '' } = process.env;
await using admin = createAdmin({ issuer: ISSUER, clientId: 'taskgrant-admin', clientSecret: ADMIN_SECRET });

const { agent, credentials } = await admin.agents.register({
  agentName: 'Planner',
  permissions: ['example:read'],
});
console.log(agent.state, credentials.client_id === agent.client_id);

// Its registration token would activate it, too.
await admin.agents.reactivate(agent.client_id);

// Lists are read as far as you read them, page by page.
for await (const log of admin.audit.logs({ clientId: agent.client_id, status: 'success' })) {
  console.log(log.event_type);
}

await admin.agents.suspend(agent.client_id, { reason: 'looks odd' });
console.log(
  await admin.agents
    .list({ state: 'suspended' })
    .take(10)
    .then((found) => found.length),
);
