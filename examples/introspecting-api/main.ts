import { createApi } from './api.ts';

/** A resource server in three files: see README.md beside this one. */
const { ISSUER = 'http://localhost:3000', CLIENT_ID, CLIENT_SECRET, PORT = '4000' } = process.env;
const audience = process.env['AUDIENCE'] ?? `http://localhost:${PORT}`;

if (!CLIENT_ID || !CLIENT_SECRET) {
  console.error('Set CLIENT_ID and CLIENT_SECRET: what `taskgrant resource-server register` printed.');
  process.exit(2);
}

const api = createApi({ issuer: ISSUER, clientId: CLIENT_ID, clientSecret: CLIENT_SECRET, audience });
api.listen(Number(PORT), '127.0.0.1', () => {
  console.log(`${audience}/notes takes tokens of ${ISSUER} with aud ${audience}`);
});
