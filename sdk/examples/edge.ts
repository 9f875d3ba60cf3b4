import { createAgent, type Task } from '@taskgrant/sdk/agent/edge';

const { ISSUER = 'http://localhost:3000', CLIENT_ID = '', CLIENT_SECRET = '' } = process.env;

/** Where nothing carries the current task from one await to the next, it is passed. */
async function lookUp(task: Task): Promise<number> {
  return (await task.fetch(`${ISSUER}/api/oauth/protected`)).status;
}

const agent = createAgent({ issuer: ISSUER, clientId: CLIENT_ID, clientSecret: CLIENT_SECRET, dpop: true });
console.log(await agent.task({ scope: 'example:read' }, lookUp));
await agent.close();
