// app/reports/route.ts
import { forFetch, protect } from '@taskgrant/sdk/resource';

const { ISSUER = 'http://localhost:3000', CLIENT_ID = '', CLIENT_SECRET = '' } = process.env;

const guard = protect({
  issuer: ISSUER,
  audience: process.env['AUDIENCE'] ?? 'http://localhost:3001',
  scope: 'reports:read',
  credentials: { clientId: CLIENT_ID, clientSecret: CLIENT_SECRET },
});

export const GET = forFetch(
  guard,
  (_request, access) => new Response(`${access.clientId} reads for the task ${access.task.id}\n`),
);

// app/.well-known/oauth-protected-resource/route.ts exports the same: the guard answers there, too.
