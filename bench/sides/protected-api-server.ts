import { createServer } from 'node:http';
import { forNode, protect } from '@taskgrant/sdk/resource';

/** An API behind the SDK; UNPROTECTED answers the same without looking at anything. Listens once it can judge. */
const { PORT, ISSUER = '', AUDIENCE = '', CLIENT_ID = '', CLIENT_SECRET = '' } = process.env;
const { MODE = 'live', REMEMBER, REVOCATIONS } = process.env;
const PATH = '/notes';
const ANSWER = '{"notes":[]}';

const guard = protect({
  issuer: ISSUER,
  audience: AUDIENCE,
  scope: 'example:read',
  credentials: { clientId: CLIENT_ID, clientSecret: CLIENT_SECRET },
  mode: MODE === 'introspection' ? 'introspection' : 'live',
  ...(REMEMBER === undefined ? {} : { rememberTokens: Number(REMEMBER) }),
  ...(REVOCATIONS === undefined ? {} : { endpoints: { revocations: REVOCATIONS } }),
});
const guarded = forNode(guard, (_request, response) => void response.end(ANSWER));

const server = createServer((request, response) => {
  request.resume();
  if (request.url === PATH && MODE !== 'unprotected') guarded(request, response);
  else response.end(ANSWER);
});
if (MODE === 'live') await guard.ready();
server.listen(Number(PORT), '127.0.0.1');
process.on('SIGTERM', () => process.exit());
