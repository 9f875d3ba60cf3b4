import fastify from 'fastify';
import { accessOf, forFastify, protect } from '@taskgrant/sdk/resource';

const { ISSUER = 'http://localhost:3000', CLIENT_ID = '', CLIENT_SECRET = '', PORT = '4000' } = process.env;

const guard = protect({
  issuer: ISSUER,
  audience: `http://localhost:${PORT}`,
  scope: 'reports:read',
  credentials: { clientId: CLIENT_ID, clientSecret: CLIENT_SECRET },
});

const app = fastify();
app.addHook('onRequest', forFastify(guard));
app.get('/reports', async (request) => {
  const { clientId, task } = accessOf(request);
  return `${clientId} reads for the task ${task.id}\n`;
});
await guard.ready();
await app.listen({ port: Number(PORT) });
console.log(`listening on ${PORT}`);
