import { createKeyPair } from '@taskgrant/sdk/dev';
import { InterAgentAuth, keysGiven } from '@taskgrant/sdk/requests';

// Each agent keeps its private key to itself, and knows the public keys of the others.
const [orchestrator, vision] = await Promise.all([createKeyPair(), createKeyPair()]);
const keys = await keysGiven([
  { issuer: 'orchestrator', publicKey: orchestrator.publicPem },
  { issuer: 'vision', publicKey: vision.publicPem },
]);

const calling = new InterAgentAuth({ agent: 'orchestrator', privateKey: orchestrator.privatePem, keys });
const token = await calling.createToken('vision');

const called = new InterAgentAuth({ agent: 'vision', privateKey: vision.privatePem, keys });
const { iss, aud, exp, iat } = await called.verifyToken(token);
console.log(`${iss} calls ${aud}, for ${exp - iat} seconds`);
