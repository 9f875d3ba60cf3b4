import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type Introspector, introspect, type TokenInfo } from './introspection.ts';

export interface ApiOptions extends Introspector {
  /** What stands as `aud` in tokens for this API: its own address. */
  readonly audience: string;
}

/** What each method needs. */
const NEEDS: Readonly<Record<string, string>> = { GET: 'notes:read', POST: 'notes:write' };
const MOST_BYTES = 10_000;

/** An answer other than 200. */
class Refusal extends Error {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  constructor(status: number, message: string, headers: Record<string, string> = {}) {
    super(message);
    this.status = status;
    this.headers = headers;
  }
}

/** A notebook that agents read and write with task tokens. */
export function createApi(options: ApiOptions): Server {
  const notes: { text: string; by: string; task: string | undefined }[] = [];
  return createServer((request, response) => {
    serve(options, notes, request)
      .then((body) => send(response, 200, body))
      .catch((error: unknown) => {
        const known = error instanceof Refusal ? error : new Refusal(503, 'the authorization server is away');
        send(response, known.status, { error: known.message }, known.headers);
      });
  });
}

async function serve(options: ApiOptions, notes: object[], request: IncomingMessage): Promise<object> {
  const { pathname } = new URL(request.url ?? '/', options.audience);
  if (pathname === '/.well-known/oauth-protected-resource') return metadata(options);
  if (pathname !== '/notes') throw new Refusal(404, 'there is nothing here');
  const needed = NEEDS[request.method ?? ''];
  if (needed === undefined) throw new Refusal(405, 'use GET or POST', { Allow: 'GET, POST' });
  const token = await authorize(options, request, needed);
  if (request.method === 'POST') {
    notes.push({ text: await readText(request), by: token.client_id, task: token.task_id });
  }
  return { notes, you: token.client_id, for: token.sub, task: token.task_id };
}

/** RFC 9728: clients find from here where to get tokens. */
function metadata({ audience, issuer }: ApiOptions): object {
  return {
    resource: audience,
    authorization_servers: [issuer],
    scopes_supported: Object.values(NEEDS),
    bearer_methods_supported: ['header'],
  };
}

/**
 * Lets a request in, or says precisely what is missing (RFC 6750 §3, RFC 9728 §5.1).
 * @throws Refusal 401 without a live token for this API, 403 for one that may do less.
 */
async function authorize(options: ApiOptions, request: IncomingMessage, needed: string): Promise<TokenInfo> {
  const where = `resource_metadata="${options.audience}/.well-known/oauth-protected-resource"`;
  const challenge = (error: string) => ({
    'WWW-Authenticate': `Bearer ${error}scope="${needed}", ${where}`,
  });
  const [, token] = /^Bearer ([\w.~+/-]+=*)$/i.exec(request.headers.authorization ?? '') ?? [];
  if (token === undefined) throw new Refusal(401, 'bring an access token', challenge(''));
  const info = await introspect(options, token);
  // The server shows this API its own tokens only; checking the audience again costs nothing.
  if (!info || info.aud !== options.audience) {
    throw new Refusal(
      401,
      'the token is not live, or not for this API',
      challenge('error="invalid_token", '),
    );
  }
  if (!info.scope?.split(' ').includes(needed)) {
    throw new Refusal(403, `the token may not ${needed}`, challenge('error="insufficient_scope", '));
  }
  return info;
}

async function readText(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request.setEncoding('utf8')) {
    text += String(chunk);
    if (text.length > MOST_BYTES) throw new Refusal(413, `at most ${MOST_BYTES} characters`);
  }
  return text;
}

function send(response: ServerResponse, status: number, body: object, headers = {}): void {
  response.writeHead(status, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store', ...headers });
  response.end(`${JSON.stringify(body)}\n`);
}
