import { createAgent, currentTask } from '@taskgrant/sdk/agent';

const { ISSUER = 'http://localhost:3000', CLIENT_ID = '', CLIENT_SECRET = '' } = process.env;
const agent = createAgent({ issuer: ISSUER, clientId: CLIENT_ID, clientSecret: CLIENT_SECRET });

/** A tool knows nothing of tokens: it acts for the task that it is called in. */
async function lookUp(): Promise<string> {
  const response = await agent.fetch(`${ISSUER}/api/oauth/protected`);
  const { task_id: id, scope } = (await response.json()) as { task_id: string; scope: string };
  return `${id === currentTask()?.id ? 'acts for its task' : 'lost'}: ${scope}`;
}

await agent.task({ scope: 'example:read reports:read' }, async (task) => {
  // Each child may do less, and both run at once.
  const reading = task.child({ scope: 'example:read', description: 'Read' }, lookUp);
  const reporting = task.child({ scope: 'reports:read', description: 'Report' }, lookUp);
  console.log(await Promise.all([reading, reporting, lookUp()]));
});
await agent.close();
