import { readFileSync } from 'node:fs';
import { administer } from './parties.ts';
import { type Answer, bearer, postJson, send } from './requests.ts';
import {
  type RunningServer,
  type ServerOptions,
  startServer,
  TEST_SETTINGS,
  type TestServer,
} from './server.ts';

const read = (name: string): Record<string, unknown> =>
  JSON.parse(readFileSync(new URL(`../../config/${name}.json`, import.meta.url), 'utf8'));

/** A server with the settings that `npm start` has, but for limits that a suite would run into. */
export function startAsDelivered(options: ServerOptions = {}): Promise<TestServer> {
  const { argon2, limits } = TEST_SETTINGS;
  const settings = { ...read('default'), ...read('development'), argon2, limits, ...options.settings };
  return startServer({ ...options, settings });
}

export interface AgentAuthParty {
  readonly agentId: string;
  readonly apiKey: string;
}

let made = 0;

/** An agent that registered with an administrator's token, which grants it what it asks for. */
export async function registerWithKey(
  server: RunningServer,
  over: Record<string, unknown> = {},
): Promise<AgentAuthParty> {
  made += 1;
  const body = {
    name: `Agent ${made}`,
    owner_email: 'you@company.com',
    permissions: ['example:read'],
    ...over,
  };
  const { agent_id: agentId, api_key: apiKey } = await administer(server, 'POST', '/agents/register', body);
  return { agentId, apiKey };
}

export function verify(
  server: RunningServer,
  { agentId, apiKey }: AgentAuthParty,
  more: Record<string, unknown> = {},
  headers: Record<string, string> = {},
): Promise<Answer> {
  return postJson(server, '/agents/verify', { agent_id: agentId, api_key: apiKey, ...more }, headers);
}

export interface Verified {
  readonly accessToken: string;
  readonly refreshToken: string;
  readonly taskId: string;
  readonly tokenId: string;
}

/** @throws Error when the agent is refused. */
export async function verified(
  server: RunningServer,
  party: AgentAuthParty,
  more: Record<string, unknown> = {},
): Promise<Verified> {
  const { status, body } = await verify(server, party, more);
  if (status !== 200) throw new Error(`not verified: ${status} ${JSON.stringify(body)}`);
  const { access_token, refresh_token, task_id, token_id } = body.token;
  return { accessToken: access_token, refreshToken: refresh_token, taskId: task_id, tokenId: token_id };
}

export function refreshWith(server: RunningServer, refreshToken: string, verifier?: string): Promise<Answer> {
  const proof = verifier === undefined ? {} : { code_verifier: verifier };
  return postJson(server, '/agents/refresh', { refresh_token: refreshToken, ...proof });
}

/** A request with a token. */
export function withToken(
  server: RunningServer,
  token: string,
  method: string,
  path: string,
  body?: unknown,
) {
  const json = body === undefined ? {} : { body: JSON.stringify(body) };
  const type = body === undefined ? {} : { 'content-type': 'application/json' };
  return send(server, path, { method, headers: { ...bearer(token), ...type }, ...json });
}
