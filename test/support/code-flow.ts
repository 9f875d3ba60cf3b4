import type { BrowserSession } from './browser-session.ts';
import { type AgentParty, pkce } from './parties.ts';
import type { Form } from './requests.ts';
import type { RunningServer } from './server.ts';
import { type OpenTask, requestToken } from './token-requests.ts';

export const CALLBACK = 'https://client.example.com/callback';
const AUTHORIZE_PATH = '/api/oauth/authorize';

/** Where the browser of a person is sent; the challenge is among `form`. */
export function authorizationUrl(
  server: RunningServer,
  agent: Pick<AgentParty, 'clientId'>,
  form: Form,
): URL {
  const url = new URL(AUTHORIZE_PATH, server.issuer);
  const parameters = { response_type: 'code', client_id: agent.clientId, redirect_uri: CALLBACK, ...form };
  for (const [name, value] of Object.entries(parameters)) {
    for (const one of value === undefined ? [] : [value].flat()) url.searchParams.append(name, String(one));
  }
  return url;
}

interface CodeFlow {
  readonly agent: AgentParty;
  readonly browser: BrowserSession;
  /** What the client asks for. */
  readonly form?: Form;
  /** The scopes that the person leaves ticked; all by default. */
  readonly allowed?: readonly string[];
}

/** An authorization code and the verifier that redeems it. */
export async function getCode(server: RunningServer, { agent, browser, form = {}, allowed }: CodeFlow) {
  const proof = pkce();
  const url = authorizationUrl(server, agent, { ...proof.parameters, ...form });
  const back = await browser.allow(url, allowed ? { scope: allowed } : {});
  const code = back.searchParams.get('code');
  if (code === null) throw new Error(`no code: ${back.href}`);
  const redirectUri = String(form['redirect_uri'] ?? CALLBACK);
  return { code, verifier: proof.verifier, redirectUri, back };
}

export type Code = Awaited<ReturnType<typeof getCode>>;

/** Redeems a code; `form` overrides or leaves out parameters. */
export function redeemCode(
  server: RunningServer,
  agent: Pick<AgentParty, 'headers'>,
  { code, verifier, redirectUri }: Pick<Code, 'code' | 'verifier' | 'redirectUri'>,
  form: Form = {},
) {
  return requestToken(server, agent, {
    grant_type: 'authorization_code',
    code,
    redirect_uri: redirectUri,
    code_verifier: verifier,
    ...form,
  });
}

/** The task that a person approved. @throws Error when anything on the way was refused. */
export async function authorize(server: RunningServer, flow: CodeFlow): Promise<OpenTask> {
  const code = await getCode(server, flow);
  const { status, body } = await redeemCode(server, flow.agent, code);
  if (status !== 200) throw new Error(`the code was not redeemed: ${JSON.stringify(body)}`);
  return {
    agent: flow.agent,
    verifier: code.verifier,
    token: body.access_token,
    tokenId: body.token_id,
    taskId: body.task_id,
    body,
  };
}
