import { serve } from '@hono/node-server';
import { Hono } from 'hono';
import { accessOf, forHono, protect } from '@taskgrant/sdk/resource';

const { ISSUER = 'http://localhost:3000', CLIENT_ID = '', CLIENT_SECRET = '', PORT = '4000' } = process.env;

const guard = protect({
  issuer: ISSUER,
  audience: `http://localhost:${PORT}`,
  scope: 'reports:read',
  credentials: { clientId: CLIENT_ID, clientSecret: CLIENT_SECRET },
});

const app = new Hono();
app.use(forHono(guard));
app.get('/reports', (c) => {
  const { clientId, task } = accessOf(c);
  return c.text(`${clientId} reads for the task ${task.id}\n`);
});
await guard.ready();
serve({ fetch: app.fetch, port: Number(PORT) }, () => console.log(`listening on ${PORT}`));
