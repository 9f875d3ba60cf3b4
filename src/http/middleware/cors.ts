import type { RequestContext, RequestMiddleware } from '../state.ts';

/**
 * Endpoints that browser clients call with a token or nothing at all (OAuth 2.1 for browser apps, MCP). Never the
 * authorization endpoint or the interactions: those rest on cookies (S9).
 */
const OPEN = new Set([
  '/api/oauth/token',
  '/api/oauth/par',
  '/api/oauth/register',
  '/api/oauth/revoke',
  '/api/oauth/userinfo',
  '/api/oauth/jwks',
]);
const OPEN_BELOW = [
  '/.well-known/oauth-authorization-server',
  '/.well-known/openid-configuration',
  '/.well-known/oauth-protected-resource',
  '/.well-known/ssf-configuration',
  '/api/status-lists',
];
const PREFLIGHT_SECONDS = 600;

/** Cross-origin access without cookies, for the endpoints above; answers their preflight requests. */
export function cors(): RequestMiddleware {
  return async (ctx, next) => {
    if (!isOpen(ctx.path)) return closed(ctx, next);
    ctx.set('Access-Control-Allow-Origin', '*');
    ctx.set('Cross-Origin-Resource-Policy', 'cross-origin');
    if (ctx.method !== 'OPTIONS') return exposing(ctx, next);
    ctx.set({
      'Access-Control-Allow-Methods': 'GET, POST, OPTIONS',
      'Access-Control-Allow-Headers':
        'Authorization, Content-Type, DPoP, Idempotency-Key, MCP-Protocol-Version',
      'Access-Control-Max-Age': String(PREFLIGHT_SECONDS),
    });
    ctx.status = 204;
    return undefined;
  };
}

const EXPOSED = [
  'WWW-Authenticate',
  'DPoP-Nonce',
  'Idempotent-Replayed',
  'Retry-After',
  'RateLimit',
  'RateLimit-Policy',
  'X-RateLimit-Limit',
  'X-RateLimit-Remaining',
  'X-RateLimit-Reset',
  'X-Request-ID',
].join(', ');

/** Last of all: the engine names fewer for its own endpoints. */
async function exposing(ctx: RequestContext, next: () => Promise<void>): Promise<void> {
  try {
    await next();
  } finally {
    ctx.set('Access-Control-Expose-Headers', EXPOSED);
  }
}

/** The engine opens introspection, which is for servers, to whatever origin asks; the direct way opens it to none. */
async function closed(ctx: RequestContext, next: () => Promise<void>): Promise<void> {
  try {
    await next();
  } finally {
    ctx.remove('Access-Control-Allow-Origin');
    ctx.remove('Access-Control-Expose-Headers');
  }
}

function isOpen(path: string): boolean {
  return OPEN.has(path) || OPEN_BELOW.some((start) => path === start || path.startsWith(`${start}/`));
}
