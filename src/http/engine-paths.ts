/** Paths that the mounted OAuth engine answers, spelled exactly, and their methods. */
export interface EnginePath {
  readonly path: RegExp;
  readonly methods: readonly string[];
}

const ID = '[A-Za-z0-9._~-]{1,128}';

/**
 * INVARIANT: the engine matches paths without regard to case and trailing slashes; it is reached only by a path of
 * this list, so nothing that decides by path (rate limits, CORS, logs) can be passed by under another spelling.
 */
export const ENGINE_PATHS: readonly EnginePath[] = [
  { path: exactly('/api/oauth/(authorize|logout)'), methods: ['GET', 'POST'] },
  { path: exactly(`/api/oauth/authorize/${ID}`), methods: ['GET'] },
  { path: exactly('/api/oauth/(token|par|introspect|revoke|verify|register)'), methods: ['POST'] },
  { path: exactly(`/api/oauth/register/${ID}`), methods: ['GET', 'PUT', 'DELETE'] },
  { path: exactly('/api/oauth/userinfo'), methods: ['GET', 'POST'] },
  { path: exactly('/api/oauth/jwks'), methods: ['GET'] },
  { path: exactly('/api/oauth/logout/success'), methods: ['GET'] },
  { path: exactly('/api/oauth/logout/confirm'), methods: ['POST'] },
  {
    path: exactly('(/[^/]+)*/[.]well-known/(oauth-authorization-server|openid-configuration)(/[^/]+)*'),
    methods: ['GET'],
  },
  { path: exactly(`/interaction/${ID}(/[a-z-]+)?`), methods: ['GET', 'POST'] },
];

export function enginePath(paths: readonly EnginePath[], path: string): EnginePath | undefined {
  return paths.find((known) => known.path.test(path));
}

function exactly(pattern: string): RegExp {
  return new RegExp(`^${pattern}$`);
}
