import express from 'express';
import {
  createRequestGuard,
  expressSignature,
  type IncomingRequest,
  requestReplaysInMemory,
} from '@taskgrant/sdk/requests';
import { keysFromFolder } from '@taskgrant/sdk/requests/node';

const { PORT = '4000', PUBLIC_URL = `http://localhost:${PORT}`, KEYS_DIR = 'authorized_keys' } = process.env;

const guard = createRequestGuard({
  publicUrl: PUBLIC_URL,
  keys: await keysFromFolder(KEYS_DIR),
  replays: requestReplaysInMemory(),
  profiles: ['signature', 'token'],
  onRefused: ({ reason }) => console.log(`refused: ${reason}`),
});

const app = express();
app.post('/agent', expressSignature(guard), (request, response) => {
  const { issuer, profile } = (request as IncomingRequest).signedRequest ?? {};
  response.json({ answer: `Hello ${issuer}, your ${profile} is good.`, asked: request.body });
});
app.listen(Number(PORT), '127.0.0.1', () => console.log(`listening on ${PORT}`));
