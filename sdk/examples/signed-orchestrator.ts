import { readFile } from 'node:fs/promises';
import { createRequestSigner, sendSecureRequest, signedFetch } from '@taskgrant/sdk/requests';

const { AGENT_URL = 'http://localhost:4000/agent', KEY_FILE = 'orchestrator.private.pem' } = process.env;
const privateKey = await readFile(KEY_FILE, 'utf8');

// RFC 9421: what fetch sends is signed.
const signer = await createRequestSigner({ issuer: 'orchestrator', privateKey });
const sending = signedFetch(signer);
const response = await sending(AGENT_URL, {
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ query: 'What movies are playing?' }),
});
console.log(response.status, await response.json());

// The same as a JWT for this one request, as rotagent sends it.
const answer = await sendSecureRequest({
  url: AGENT_URL,
  payload: { query: 'What movies are playing?' },
  issuerId: 'orchestrator',
  privateKeyPem: privateKey,
});
console.log(answer.status, await answer.json());
