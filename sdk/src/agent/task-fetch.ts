import { eitherOf, waitFor } from '../shared/abort.ts';
import { TaskgrantError } from '../shared/errors.ts';
import { type Destinations, destinationOf } from './audiences.ts';
import type { Connection } from './connection.ts';
import type { HeldToken, HeldTokens } from './held-tokens.ts';

/** `RequestInit`, and which of the task's tokens is meant where the URL alone does not tell. */
export type TaskFetchInit = RequestInit & {
  /** The audience whose token is sent. Default: the one that the URL belongs to. */
  readonly audience?: string | undefined;
};

/** What a request of a task carries beside its token. */
export interface RequestParts {
  readonly connection: Connection;
  readonly tokens: HeldTokens;
  readonly destinations: () => Destinations;
  /** Aborted when the task ends. */
  readonly signal: AbortSignal;
}

interface Sending {
  readonly method: string;
  readonly url: URL;
  readonly headers: Headers;
  readonly body: RequestInit['body'];
  readonly init: RequestInit;
  readonly audience: string | undefined;
}

const MAX_REDIRECTS = 5;

/**
 * `fetch` with the task's token, its X-Task-ID fields and a proof.
 * INVARIANT: nothing of the task leaves for an origin that the token is not for.
 * @throws TaskgrantError `origin_refused`; what a renewal is refused; the reason of an aborted signal.
 */
export async function fetchForTask(
  parts: RequestParts,
  input: string | URL | Request,
  init: TaskFetchInit = {},
): Promise<Response> {
  let sending = await readRequest(input, init);
  for (let hop = 0; ; hop += 1) {
    const response = await sendWithToken(parts, sending);
    const next = init.redirect === 'manual' ? undefined : redirected(sending, response);
    // A redirect to elsewhere is the caller's to judge: it is handed back, not followed.
    if (!next) return response;
    if (init.redirect === 'error' || hop === MAX_REDIRECTS) {
      throw new TaskgrantError('redirect_refused', 'the API redirects');
    }
    await response.body?.cancel();
    sending = next;
  }
}

async function readRequest(input: string | URL | Request, init: TaskFetchInit): Promise<Sending> {
  const { audience, ...rest } = init;
  if (!(input instanceof Request)) {
    const { method = 'GET', headers, body = null } = rest;
    return {
      method: method.toUpperCase(),
      url: new URL(input),
      headers: new Headers(headers),
      body,
      init: rest,
      audience,
    };
  }
  const { method, url, headers } = input;
  const body = input.body && (await input.arrayBuffer());
  return {
    method: (rest.method ?? method).toUpperCase(),
    url: new URL(url),
    headers: new Headers(rest.headers ?? headers),
    body: rest.body ?? body,
    init: { ...rest, signal: rest.signal ?? input.signal },
    audience,
  };
}

/** Renews once after a 401, and answers once more where a nonce is asked for. */
async function sendWithToken(parts: RequestParts, sending: Sending): Promise<Response> {
  const { tokens } = parts;
  const destination = destinationOf(sending.url, parts.destinations());
  if (!destination) {
    throw new TaskgrantError(
      'origin_refused',
      `the task is not for ${sending.url.origin}: name it as an audience, or among origins`,
    );
  }
  const audience = sending.audience ?? destination.audience;
  const { signal } = sending.init;
  const token = await waitFor(tokens.get(audience), signal);
  const response = await sendProven(parts, sending, token);
  if (!isRefusedToken(response) || !isReplayable(sending)) return response;
  const renewed = await waitFor(tokens.get(audience, token.value), signal);
  await response.body?.cancel();
  return sendProven(parts, sending, renewed);
}

async function sendProven(parts: RequestParts, sending: Sending, token: HeldToken): Promise<Response> {
  const response = await send(parts, sending, token);
  const { href } = sending.url;
  if (!parts.connection.proofs?.learn(href, response) || !isReplayable(sending)) return response;
  await response.body?.cancel();
  return send(parts, sending, token);
}

async function send(parts: RequestParts, sending: Sending, token: HeldToken): Promise<Response> {
  const { connection, signal } = parts;
  const { method, url, body, init } = sending;
  const headers = new Headers(sending.headers);
  const fields = { ...(await connection.authorization(token, method, url.href)), ...taskFields(token) };
  for (const [name, value] of Object.entries(fields)) headers.set(name, value);
  const all = init.signal ? eitherOf(init.signal, signal) : signal;
  return connection.http.fetch(url, {
    ...init,
    method,
    headers,
    body,
    redirect: 'manual',
    signal: all,
  } as RequestInit);
}

/** What an API compares with the token, so that a token that was mixed up is found out. */
export function taskFields({ answer }: HeldToken): Record<string, string> {
  const { task_id: id, parent_task_id: parent, parent_token_id: via } = answer;
  return {
    ...(id === '' ? {} : { 'x-task-id': id }),
    ...(parent === undefined ? {} : { 'x-parent-task-id': parent }),
    ...(via === undefined ? {} : { 'x-parent-token-id': via }),
  };
}

/** RFC 6750 §3.1: only a token that is refused as such is worth renewing, not one that may too little. */
function isRefusedToken({ status, headers }: Response): boolean {
  return status === 401 && !/insufficient_scope|use_dpop_nonce/.test(headers.get('www-authenticate') ?? '');
}

function isReplayable({ body }: Sending): boolean {
  return !(typeof ReadableStream !== 'undefined' && body instanceof ReadableStream);
}

/** The next request of a redirect within the origin (Fetch §4.4); undefined for any other answer. */
function redirected(sending: Sending, { status, headers }: Response): Sending | undefined {
  const location = headers.get('location');
  if (![301, 302, 303, 307, 308].includes(status) || location === null) return undefined;
  const url = new URL(location, sending.url);
  if (url.origin !== sending.url.origin) return undefined;
  const { method } = sending;
  const becomesGet = (status === 303 && method !== 'HEAD') || (status < 303 && method === 'POST');
  if (!becomesGet) return isReplayable(sending) ? { ...sending, url } : undefined;
  const kept = new Headers(sending.headers);
  for (const part of ['type', 'length', 'encoding', 'language']) kept.delete(`content-${part}`);
  return { ...sending, method: 'GET', url, body: null, headers: kept };
}
