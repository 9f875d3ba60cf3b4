import { createHash, randomBytes } from 'node:crypto';
import { basic, bearer, postForm, send } from './requests.ts';
import { ADMIN_CLIENT, ADMIN_CLIENT_SECRET, type RunningServer } from './server.ts';

/** A code_verifier and its S256 challenge (RFC 7636). */
export interface Pkce {
  readonly verifier: string;
  readonly challenge: string;
  /** The two parameters of a request that sets the challenge. */
  readonly parameters: { readonly code_challenge: string; readonly code_challenge_method: 'S256' };
}

export function pkce(): Pkce {
  const verifier = randomBytes(32).toString('base64url');
  const challenge = createHash('sha256').update(verifier).digest('base64url');
  return {
    verifier,
    challenge,
    parameters: { code_challenge: challenge, code_challenge_method: 'S256' },
  };
}

/** An active client that acts. */
export interface AgentParty {
  readonly clientId: string;
  readonly clientSecret: string;
  /** Its Basic credentials. */
  readonly headers: Record<string, string>;
}

export interface ResourceServerParty extends AgentParty {
  readonly audience: string;
}

export interface PersonParty {
  readonly userId: string;
  readonly email: string;
  readonly password: string;
}

const known = new WeakMap<RunningServer, { token: string; until: number }>();

/** A token with `admin:read admin:write`, got as any administrator's script gets it. */
export async function adminToken(server: RunningServer): Promise<string> {
  const cached = known.get(server);
  if (cached && cached.until > server.clock.now()) return cached.token;
  const { status, body } = await postForm(
    server,
    '/api/oauth/token',
    { grant_type: 'client_credentials', resource: server.apiAudience, ...pkce().parameters },
    basic(ADMIN_CLIENT, ADMIN_CLIENT_SECRET),
  );
  if (status !== 200) throw new Error(`no token for the administrator: ${JSON.stringify(body)}`);
  known.set(server, { token: body.access_token, until: server.clock.now() + 300_000 });
  return body.access_token;
}

/** A request with an administrator's token. */
export async function asAdmin(server: RunningServer, method: string, path: string, body?: unknown) {
  return send(server, path, {
    method,
    headers: {
      ...bearer(await adminToken(server)),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

/** @throws Error unless the administrator's request succeeded. */
export async function administer(server: RunningServer, method: string, path: string, body?: unknown) {
  const answer = await asAdmin(server, method, path, body);
  if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`);
  return answer.body;
}

const RIGHTS = ['reports:read', 'reports:write', 'example:read'];
const TOOLS = ['search', 'summarise', 'mail'];

/** Registers and activates an agent as an administrator; `limits` are set by PUT afterwards. */
export async function registerAgent(
  server: RunningServer,
  { limits, ...over }: { limits?: object; [member: string]: unknown } = {},
): Promise<AgentParty> {
  const { credentials } = await administer(server, 'POST', '/api/agents/register', {
    agent_name: 'Research agent',
    permissions: RIGHTS,
    allowed_tools: TOOLS,
    allowed_resources: ['q1', 'q2'],
    ...over,
  });
  await administer(server, 'POST', '/api/agents/activate', {
    registration_token: credentials.registration_token,
  });
  if (limits) await administer(server, 'PUT', `/api/agents/${credentials.client_id}`, limits);
  const { client_id: clientId, client_secret: clientSecret = '' } = credentials;
  return { clientId, clientSecret, headers: basic(clientId, clientSecret) };
}

let made = 0;

/** An API with one audience of its own that knows any right. */
export async function registerResourceServer(
  server: RunningServer,
  over: Record<string, unknown> = {},
): Promise<ResourceServerParty> {
  made += 1;
  const audience = `https://api-${made}.example.com/`;
  const body = { name: `API ${made}`, audiences: [audience], ...over };
  const { resource_server: row, credentials } = await administer(
    server,
    'POST',
    '/api/admin/resource-servers',
    body,
  );
  const { client_id: clientId, client_secret: clientSecret } = credentials;
  return {
    clientId,
    clientSecret,
    headers: basic(clientId, clientSecret),
    audience: row.audiences[0],
  };
}

/** A person who may delegate what agents are given here. */
export async function createPerson(
  server: RunningServer,
  over: Record<string, unknown> = {},
): Promise<PersonParty> {
  made += 1;
  const person = { email: `person-${made}@example.com`, password: 'a password of some length' };
  const row = await administer(server, 'POST', '/api/admin/users', {
    name: 'Ada Example',
    permissions: RIGHTS,
    ...person,
    ...over,
  });
  return { ...person, email: row.email, userId: row.user_id };
}
