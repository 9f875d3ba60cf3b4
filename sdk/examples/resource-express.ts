import express from 'express';
import { accessOf, forExpress, protect } from '@taskgrant/sdk/resource';

const { ISSUER = 'http://localhost:3000', CLIENT_ID = '', CLIENT_SECRET = '', PORT = '4000' } = process.env;

const guard = protect({
  issuer: ISSUER,
  audience: `http://localhost:${PORT}`,
  scope: 'reports:read',
  scopes: ['reports:read', 'reports:write'],
  credentials: { clientId: CLIENT_ID, clientSecret: CLIENT_SECRET },
});
const writing = guard.requiring({ scope: 'reports:write', tool: 'mail', task: 'required' });

const app = express();
app.use(forExpress(guard));
app.get('/reports', (request, response) => {
  const { clientId, task } = accessOf(request);
  response.send(`${clientId} reads for the task ${task.id}\n`);
});
app.post('/reports', forExpress(writing), (request, response) => {
  response.status(201).send(`${accessOf(request).clientId} has written\n`);
});
await guard.ready();
app.listen(Number(PORT), () => console.log(`listening on ${PORT}`));
