import { createAgent, type HandOff } from '@taskgrant/sdk/agent';

const { ISSUER = 'http://localhost:3000', CLIENT_ID = '', CLIENT_SECRET = '' } = process.env;
const { WORKER_ID = '', WORKER_SECRET = '' } = process.env;

/** The worker, in another process: it goes on with what it is handed, and with no more. */
async function work(handOff: HandOff): Promise<unknown> {
  await using worker = createAgent({ issuer: ISSUER, clientId: WORKER_ID, clientSecret: WORKER_SECRET });
  return await worker.accept(handOff, { description: 'Read the reviews' }, async (task) => {
    const response = await task.fetch(`${ISSUER}/api/oauth/protected`);
    return response.json();
  });
}

await using orchestrator = createAgent({ issuer: ISSUER, clientId: CLIENT_ID, clientSecret: CLIENT_SECRET });
const terms = { description: 'Plan a trip', scope: 'example:read reports:read', delegates: [WORKER_ID] };
await orchestrator.task(terms, async (task) => {
  const handOff = await task.delegate(WORKER_ID, { scope: 'example:read' });
  // Plain JSON: send it as you send anything else. It is good for two minutes, once, for this worker alone.
  console.log(await work(JSON.parse(JSON.stringify(handOff)) as HandOff));
});
