import { randomText } from '../shared/encoding.ts';
import type { AgentAuthRow } from '../shared/rows.ts';
import type { CallOptions, Connection } from './connection.ts';
import { challenge, notRenewable, type Opened, REFRESH_WITHIN_MS, rotating } from './opening.ts';
import type { TaskTerms } from './task-options.ts';
import type { TokenAnswer } from './token-answer.ts';

/** What `POST /agents/verify` takes. */
export interface ApiKeyTerms
  extends Pick<TaskTerms, 'id' | 'description' | 'scope' | 'expiresIn' | 'audience'> {
  readonly agentId: string;
  readonly apiKey: string;
}

/** What `POST /agents/verify` answers. */
export interface VerifiedAgent {
  readonly success: true;
  readonly verified: true;
  readonly message: string;
  readonly agent: AgentAuthRow;
  readonly token: TokenAnswer;
}

/** Opens a task with an API key. Each repetition would open another one, so nothing but a 429 is repeated. */
export async function openByApiKey(
  connection: Connection,
  { agentId, apiKey, id, description, scope, expiresIn, audience, signal }: ApiKeyTerms & CallOptions,
): Promise<{ readonly verified: VerifiedAgent; readonly opened: Opened }> {
  const verifier = randomText();
  const body = {
    agent_id: agentId,
    api_key: apiKey,
    scope: typeof scope === 'string' ? scope : scope?.join(' '),
    resource: [audience].flat()[0],
    task_id: id,
    task_description: description,
    task_expires_in: expiresIn,
    ...(await challenge(verifier)),
  };
  const verified = (await connection.api({
    method: 'POST',
    path: '/agents/verify',
    body,
    proven: true,
    signal,
  })) as VerifiedAgent;
  const { token: answer } = verified;
  const rotate = (token: string) => rotateByApiKey(connection, token, verifier);
  const first = answer.refresh_token;
  const renew = first === undefined ? () => Promise.reject(notRenewable()) : rotating(first, rotate);
  return { verified, opened: { answer, verifier, joins: false, renew } };
}

/** `POST /agents/refresh`: rotates a refresh token that `/agents/verify` gave out. */
export async function rotateByApiKey(
  connection: Connection,
  refreshToken: string,
  codeVerifier: string | undefined,
  signal?: AbortSignal,
): Promise<TokenAnswer> {
  const body = { refresh_token: refreshToken, code_verifier: codeVerifier };
  // A task without a verifier has no grace for a lost answer: there a repetition is a replay.
  const rules = { repeatable: codeVerifier !== undefined, within: REFRESH_WITHIN_MS };
  const call = { method: 'POST', path: '/agents/refresh', body, proven: true, signal, ...rules } as const;
  return ((await connection.api(call)) as { readonly token: TokenAnswer }).token;
}

/** `POST /auth/login`: a token by the key alone. Its task ends with it. */
export async function logIn(connection: Connection, apiKey: string, signal?: AbortSignal): Promise<Opened> {
  const call = {
    method: 'POST',
    path: '/auth/login',
    body: { api_key: apiKey },
    proven: true,
    signal,
  } as const;
  const answer = (await connection.api(call)) as TokenAnswer;
  return { answer, verifier: undefined, joins: false, renew: () => Promise.reject(notRenewable()) };
}
