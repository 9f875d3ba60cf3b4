import { createServer } from 'node:http';
import { forNode, protect } from '@taskgrant/sdk/resource';

const { ISSUER = 'http://localhost:3000', CLIENT_ID = '', CLIENT_SECRET = '', PORT = '4000' } = process.env;

const guard = protect({
  issuer: ISSUER,
  audience: `http://localhost:${PORT}`,
  scope: 'reports:read',
  credentials: { clientId: CLIENT_ID, clientSecret: CLIENT_SECRET },
});

const server = createServer(
  forNode(guard, (_request, response, access) => {
    response.end(`${access.clientId} reads for the task ${access.task.id}\n`);
  }),
);
await guard.ready();
server.listen(Number(PORT), () => console.log(`listening on ${PORT}`));
