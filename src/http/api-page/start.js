// Runs in the browser, on the page at /docs. Nothing is kept: a token is gone with the page.
const base64url = (bytes) =>
  btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');

/** The server asks client_credentials for an S256 challenge, which the page's form has no field for. */
async function withChallenge(request) {
  const asksForToken = request.url.endsWith('/api/oauth/token') && typeof request.body === 'string';
  if (!asksForToken || !request.body.includes('grant_type=client_credentials')) return request;
  const form = new URLSearchParams(request.body);
  if (form.has('code_challenge')) return request;
  const verifier = base64url(crypto.getRandomValues(new Uint8Array(32)));
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(verifier));
  form.set('code_challenge', base64url(new Uint8Array(digest)));
  form.set('code_challenge_method', 'S256');
  // The administration has an audience of its own.
  if (!form.has('resource') && /\badmin:/.test(form.get('scope') ?? '')) {
    form.set('resource', `${location.origin}/api`);
  }
  return { ...request, body: form.toString() };
}

globalThis.SwaggerUIBundle({
  url: '/openapi.json',
  dom_id: '#api',
  deepLinking: true,
  docExpansion: 'none',
  filter: true,
  defaultModelsExpandDepth: -1,
  displayRequestDuration: true,
  persistAuthorization: false,
  validatorUrl: null,
  queryConfigEnabled: false,
  requestInterceptor: withChallenge,
});
