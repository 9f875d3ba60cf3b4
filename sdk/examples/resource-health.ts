import { protect } from '@taskgrant/sdk/resource';

const { ISSUER = 'http://localhost:3000', CLIENT_ID = '', CLIENT_SECRET = '' } = process.env;

await using guard = protect({
  issuer: ISSUER,
  audience: 'https://reports.example.com',
  credentials: { clientId: CLIENT_ID, clientSecret: CLIENT_SECRET },
  maxAge: 2,
  fallback: 'introspection',
  onFeed: ({ state, reason }) => console.log(`feed: ${state}`, reason ?? ''),
  onRefused: ({ status, reason }) => console.log(`refused: ${status} ${reason}`),
});
await guard.ready();

const { feed } = guard.status();
console.log((feed?.ageSeconds ?? Infinity) < 2 ? 'up to date' : 'too old');

// For frameworks that are not here: a request goes in, an answer comes out.
const answer = await guard.authenticate({ method: 'GET', url: '/reports', headers: {} });
console.log(
  answer.accepted ? answer.access.task.id : `${answer.status} ${answer.headers['www-authenticate']}`,
);
