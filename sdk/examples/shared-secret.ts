import { InterAgentAuth, InterAgentAuthError } from '@taskgrant/sdk/requests';

// Both read AGENT_AUTH_SECRET. Whoever has it can speak as any agent: better give each a key of its own.
const calling = new InterAgentAuth({ agent: 'orchestrator', peers: ['vision'] });
const called = new InterAgentAuth({ agent: 'vision', peers: ['orchestrator'] });

const token = await calling.createToken('vision');
console.log(`${(await called.verifyToken(token)).iss} calls vision`);

try {
  await called.verifyToken(`${token}x`);
} catch (error) {
  if (error instanceof InterAgentAuthError) console.log(error.message);
}
