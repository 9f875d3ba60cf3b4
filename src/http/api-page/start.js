// Runs in the browser, on the page at /docs. Nothing is kept: a token is gone with the page.
const FORM = 'application/x-www-form-urlencoded';

const base64url = (bytes) =>
  btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');

const described = (...path) => ui.specSelectors.specJson().getIn(path);

/**
 * The page may speak to the server that it came from, and to no other one (`connect-src 'self'`). It may have been
 * opened by another name than the server says that it has, or through a tunnel.
 */
function toThisServer(request) {
  const { origin, pathname, search } = new URL(request.url, location.origin);
  if (origin === location.origin || origin !== described('servers', 0, 'url')) return request;
  return { ...request, url: `${location.origin}${pathname}${search}` };
}

/** The page sends the fields of a form that were left empty as well. */
function withoutEmptyFields(request) {
  if (typeof request.body !== 'string' || request.headers?.['Content-Type'] !== FORM) return request;
  const filled = [...new URLSearchParams(request.body)].filter(([, value]) => value !== '');
  return { ...request, body: new URLSearchParams(filled).toString() };
}

/** The server asks client_credentials for an S256 challenge, which nobody makes by hand. */
async function withChallenge(request) {
  const asksForToken = request.url.endsWith('/api/oauth/token') && typeof request.body === 'string';
  if (!asksForToken || !request.body.includes('grant_type=client_credentials')) return request;
  const form = new URLSearchParams(request.body);
  // Whoever extends a task answers the challenge that it was opened with.
  if (form.has('code_challenge') || form.has('code_verifier')) return request;
  const verifier = base64url(crypto.getRandomValues(new Uint8Array(32)));
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(verifier));
  form.set('code_challenge', base64url(new Uint8Array(digest)));
  form.set('code_challenge_method', 'S256');
  // The administration has an audience of its own.
  if (!form.has('resource') && /\badmin:/.test(form.get('scope') ?? '')) {
    const flows = ['components', 'securitySchemes', 'administration', 'flows'];
    form.set('resource', described(...flows, 'clientCredentials', 'x-resource'));
  }
  return { ...request, body: form.toString() };
}

/** A schema without what may be left out. */
function requiredOf(schema) {
  if (typeof schema !== 'object' || schema === null) return schema;
  if (Array.isArray(schema)) return schema.map(requiredOf);
  const { required = [], properties } = schema;
  const each = ([name, value]) => [name, name === 'properties' ? value : requiredOf(value)];
  const rest = Object.fromEntries(Object.entries(schema).map(each));
  if (properties === undefined) return rest;
  const kept = Object.entries(properties).filter(([name]) => required.includes(name));
  return {
    ...rest,
    properties: Object.fromEntries(kept.map(([name, value]) => [name, requiredOf(value)])),
    additionalProperties: false,
  };
}

/**
 * What stands in a request before anybody has typed: what has to be there. The page would fill in everything that could
 * be, with values that the server refuses.
 */
const onlyWhatIsRequired = {
  afterLoad() {
    const { getSampleSchema } = this.fn;
    this.fn.getSampleSchema = (given, type, config, example) => {
      const isRequest = config?.includeWriteOnly === true && example === undefined;
      if (!isRequest) return getSampleSchema(given, type, config, example);
      const schema = given.toJS?.() ?? given;
      // A field of a form comes without a type; whether it is required is not told.
      if (type || schema.examples || schema.default !== undefined)
        return getSampleSchema(requiredOf(schema), type, config);
      return schema.type === 'array' ? [] : '';
    };
  },
};

const ui = globalThis.SwaggerUIBundle({
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
  plugins: [onlyWhatIsRequired],
  requestInterceptor: (request) => withChallenge(withoutEmptyFields(toThisServer(request))),
});
