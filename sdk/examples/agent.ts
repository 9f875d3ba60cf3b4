import { createAgent } from '@taskgrant/sdk/agent';

const { ISSUER = 'http://localhost:3000', CLIENT_ID = '', CLIENT_SECRET = '' } = process.env;
await using agent = createAgent({ issuer: ISSUER, clientId: CLIENT_ID, clientSecret: CLIENT_SECRET });

const notes = await agent.task(
  { description: 'Summarise the notes', scope: 'example:read' },
  async (task) => {
    const response = await task.fetch(`${ISSUER}/api/oauth/protected`);
    return response.json();
  },
);
console.log(notes);
