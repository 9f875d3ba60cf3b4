import { setTimeout } from 'node:timers/promises';
import { type AgentParty, asAdmin, type Pkce, pkce } from './parties.ts';
import { type Answer, basic, bearer, type Form, postForm, send } from './requests.ts';
import { ADMIN_CLIENT, ADMIN_CLIENT_SECRET, type RunningServer } from './server.ts';

export const TOKEN_PATH = '/api/oauth/token';
export const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
export const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';

/** A task as its agent knows it: the answer of the token endpoint and the verifier that extends it. */
export interface OpenTask {
  readonly agent: AgentParty;
  readonly token: string;
  readonly tokenId: string;
  readonly taskId: string;
  readonly verifier: string;
  // oxlint-disable-next-line typescript/no-explicit-any -- the whole answer, for assertions
  readonly body: any;
}

export function requestToken(server: RunningServer, agent: Pick<AgentParty, 'headers'>, form: Form) {
  return postForm(server, TOKEN_PATH, form, agent.headers);
}

/** client_credentials with whatever is given; no challenge unless it is. */
export function clientCredentials(server: RunningServer, agent: AgentParty, form: Form = {}) {
  return requestToken(server, agent, { grant_type: 'client_credentials', ...form });
}

/** RFC 8693 with an access token as the subject token. */
export function tokenExchange(
  server: RunningServer,
  agent: AgentParty,
  subjectToken: string,
  form: Form = {},
) {
  return requestToken(server, agent, {
    grant_type: TOKEN_EXCHANGE,
    subject_token: subjectToken,
    subject_token_type: ACCESS_TOKEN,
    ...form,
  });
}

/** Opens a root task. @throws Error when it is refused. */
export async function open(server: RunningServer, agent: AgentParty, form: Form = {}): Promise<OpenTask> {
  const proof = pkce();
  return opened(agent, proof, await clientCredentials(server, agent, { ...proof.parameters, ...form }));
}

/** Derives a child of one's own task by token exchange; it inherits the parent's challenge. */
export async function derive(server: RunningServer, parent: OpenTask, form: Form = {}): Promise<OpenTask> {
  const { agent, token, verifier } = parent;
  const answer = await tokenExchange(server, agent, token, { code_verifier: verifier, ...form });
  return opened(agent, { verifier }, answer);
}

/** A hand-off token of `parent` for `delegate` (R8). */
export async function handOff(
  server: RunningServer,
  parent: OpenTask,
  delegate: AgentParty,
  form: Form = {},
): Promise<string> {
  const { agent, token, verifier } = parent;
  const answer = await tokenExchange(server, agent, token, {
    delegate_to: delegate.clientId,
    code_verifier: verifier,
    ...form,
  });
  return opened(agent, { verifier }, answer).token;
}

/** What the delegate makes of a hand-off token: a child task bound to a challenge of its own. */
export async function redeem(
  server: RunningServer,
  delegate: AgentParty,
  handOffToken: string,
  form: Form = {},
): Promise<OpenTask> {
  const proof = pkce();
  const answer = await tokenExchange(server, delegate, handOffToken, { ...proof.parameters, ...form });
  return opened(delegate, proof, answer);
}

/** Hands `parent` to `delegate` and derives the child. */
export async function delegate(
  server: RunningServer,
  parent: OpenTask,
  to: AgentParty,
  form: Form = {},
): Promise<OpenTask> {
  return redeem(server, to, await handOff(server, parent, to), form);
}

function opened(agent: AgentParty, { verifier }: Pick<Pkce, 'verifier'>, { status, body }: Answer): OpenTask {
  if (status !== 200) throw new Error(`no token: ${status} ${JSON.stringify(body)}`);
  return {
    agent,
    verifier,
    token: body.access_token,
    tokenId: body.token_id,
    taskId: body.task_id,
    body,
  };
}

export async function introspect(
  server: RunningServer,
  caller: Pick<AgentParty, 'headers'>,
  token: string,
  form: Form = {},
) {
  return (await postForm(server, '/api/oauth/introspect', { token, ...form }, caller.headers)).body;
}

export function revoke(
  server: RunningServer,
  caller: Pick<AgentParty, 'headers'>,
  token: string,
  form: Form = {},
) {
  return postForm(server, '/api/oauth/revoke', { token, ...form }, caller.headers);
}

/** The administrator as a client that introspects. */
export const ADMIN: Pick<AgentParty, 'headers'> = { headers: basic(ADMIN_CLIENT, ADMIN_CLIENT_SECRET) };

/** What each door says of a token: introspection, verification, the protected API and the administration. */
export async function liveness(server: RunningServer, { token, tokenId, taskId }: OpenTask) {
  const [introspected, verified, accepted, row] = await Promise.all([
    introspect(server, ADMIN, token),
    postForm(server, '/api/oauth/verify', { token }, ADMIN.headers),
    send(server, '/api/oauth/protected', { headers: { ...bearer(token), 'x-task-id': taskId } }),
    asAdmin(server, 'GET', `/api/admin/tokens/${tokenId}`),
  ]);
  return {
    introspect: introspected.active as boolean,
    verify: verified.body.is_valid as boolean,
    protected: accepted.status === 200,
    admin: row.body.is_valid as boolean,
  };
}

export const ALIVE = { introspect: true, verify: true, protected: true, admin: true };
export const DEAD = { introspect: false, verify: false, protected: false, admin: false };

/** Asks until the answer is right, for half a second: refusals are stored a moment after they are answered. */
export async function eventually<T>(ask: () => Promise<T>, right: (answer: T) => boolean): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    const answer = await ask();
    if (attempt === 20 || right(answer)) return answer;
    await setTimeout(25);
  }
}

/** What the audit trail holds, newest first, once `enough` of it is there. */
export async function auditEvents(server: RunningServer, query: Record<string, string>, enough = 1) {
  const path = `/api/admin/audit/logs?${new URLSearchParams(query).toString()}`;
  const found = await eventually(
    () => asAdmin(server, 'GET', path),
    ({ body }) => body.logs.length >= enough,
  );
  return found.body.logs;
}
