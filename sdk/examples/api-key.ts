import { createAgent, TaskgrantError } from '@taskgrant/sdk/agent';
import { Permissions } from '@taskgrant/sdk/permissions';

await using client = createAgent({ issuer: process.env['ISSUER'] ?? 'http://localhost:3000' });

const { agent, credentials } = await client.registerAgent({
  name: 'Customer Support Agent',
  ownerEmail: 'you@company.com',
  permissions: [Permissions.Zendesk.Tickets.Read, Permissions.Slack.Messages.Write],
});
console.log(`API key, shown only now: ${credentials.api_key.slice(0, 15)}…`);

// The token goes with every call from here on, and is renewed by itself.
await client.verifyAgent({ agentId: agent.agent_id, apiKey: credentials.api_key });
const { activity } = await client.getActivity(agent.agent_id);
console.log(activity.map(({ event_type: type }) => type));

try {
  await client.updateAgentTier(agent.agent_id, 'enterprise');
} catch (error) {
  if (!(error instanceof TaskgrantError)) throw error;
  console.log(`${error.status} ${error.code}: ${error.message}`);
}
