/** Where the engine's endpoints are. */
export const ROUTES = {
  authorization: '/api/oauth/authorize',
  token: '/api/oauth/token',
  pushed_authorization_request: '/api/oauth/par',
  introspection: '/api/oauth/introspect',
  revocation: '/api/oauth/revoke',
  registration: '/api/oauth/register',
  userinfo: '/api/oauth/userinfo',
  jwks: '/api/oauth/jwks',
  end_session: '/api/oauth/logout',
} as const;
