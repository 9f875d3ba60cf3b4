import Koa from 'koa';
import { accessOf, forKoa, protect } from '@taskgrant/sdk/resource';

const { ISSUER = 'http://localhost:3000', CLIENT_ID = '', CLIENT_SECRET = '', PORT = '4000' } = process.env;

const guard = protect({
  issuer: ISSUER,
  audience: `http://localhost:${PORT}`,
  scope: 'reports:read',
  credentials: { clientId: CLIENT_ID, clientSecret: CLIENT_SECRET },
});

const app = new Koa();
app.use(forKoa(guard));
app.use((ctx) => {
  const { clientId, task } = accessOf(ctx);
  ctx.body = `${clientId} reads for the task ${task.id}\n`;
});
await guard.ready();
app.listen(Number(PORT), () => console.log(`listening on ${PORT}`));
