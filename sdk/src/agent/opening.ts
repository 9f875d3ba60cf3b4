import { randomText, sha256 } from '../shared/encoding.ts';
import { TaskgrantError } from '../shared/errors.ts';
import type { CallOptions, Connection } from './connection.ts';
import type { Renew } from './held-tokens.ts';
import { type Form, taskParameters, type TaskTerms } from './task-options.ts';
import type { TokenAnswer } from './token-answer.ts';

const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';
/** A used refresh token may be repeated for 30 seconds; a repetition after that ends the whole family. */
export const REFRESH_WITHIN_MS = 20_000;

/** A parent as the token endpoint wants it proved. */
export interface Parent {
  /** Its access token, or a hand-off token. */
  readonly token: string;
  /** Named as a cross-check; the token is the proof. */
  readonly taskId?: string | undefined;
  /** The verifier that the parent is bound to, when this client has it: the child inherits the challenge. */
  readonly verifier?: string | undefined;
}

/** A task that was opened, and what only this process knows of it. */
export interface Opened {
  readonly answer: TokenAnswer;
  /** Binds the task to this process; never sent but to the token endpoint and to end the task. */
  readonly verifier: string | undefined;
  /** Whether `task_id` gets further tokens (R9); if not, only a refresh token does. */
  readonly joins: boolean;
  /** How its tokens are renewed, where neither of the two is meant. */
  readonly renew?: Renew | undefined;
}

/**
 * Opens a task by client_credentials: a root, or with `parent` a child. A lost answer is made good: the task has an id
 * and a verifier that nobody else knows, so the same task is asked for again, never a second one opened.
 * @throws TaskgrantError
 */
export async function openTask(
  connection: Connection,
  terms: TaskTerms,
  { parent, signal }: CallOptions & { readonly parent?: Parent | undefined } = {},
): Promise<Opened> {
  const named = { ...terms, id: terms.id ?? crypto.randomUUID() };
  const { verifier, binding } = await bind(parent);
  const from = { parent_token: parent?.token, parent_task_id: parent?.taskId };
  const form = { grant_type: 'client_credentials', ...taskParameters(named), ...from, ...binding };
  let attempts = 0;
  const make = (): Form => {
    attempts += 1;
    return form;
  };
  try {
    const answer = await connection.token(make, { repeatable: true, signal });
    return { answer, verifier, joins: true };
  } catch (error) {
    if (attempts < 2 || !wasOpened(error)) throw error;
    const claim = { ...form, ...noChallenge, parent_token: undefined, code_verifier: verifier };
    // INVARIANT: a claim opens nothing: a new task takes no code_verifier. If it was not opened, the refusal stands.
    const refused = () => {
      throw error;
    };
    const answer = await connection.token(() => claim, { repeatable: true, signal }).catch(refused);
    return { answer, verifier, joins: true };
  }
}

const noChallenge = { code_challenge: undefined, code_challenge_method: undefined };

/** What a second request is told when the first one, whose answer was lost, had been granted. */
function wasOpened(error: unknown): boolean {
  const told = error instanceof TaskgrantError ? error.taskError : undefined;
  return ['challenge_refused', 'parent_revoked', 'task_id_taken'].includes(told ?? '');
}

/**
 * Derives a child by token exchange (RFC 8693), as public clients and tasks of people must. Used-up hand-off tokens
 * cannot be told from refused ones, so nothing but a 429 is repeated.
 */
export async function exchangeTask(
  connection: Connection,
  terms: TaskTerms,
  { parent, signal }: CallOptions & { readonly parent: Parent },
): Promise<Opened> {
  const { verifier, binding } = await bind(parent);
  const form = { ...exchange(parent.token), ...taskParameters(terms), ...binding };
  return {
    answer: await connection.token(() => form, { repeatable: false, signal }),
    verifier,
    joins: false,
  };
}

/** The parameters that every token exchange begins with. */
export function exchange(subjectToken: string): Form {
  return { grant_type: TOKEN_EXCHANGE, subject_token: subjectToken, subject_token_type: ACCESS_TOKEN };
}

/** Rotates a refresh token. */
export function refreshTokens(
  connection: Connection,
  refreshToken: string,
  {
    verifier,
    audience,
    signal,
  }: CallOptions & { readonly verifier?: string | undefined; readonly audience?: string | undefined },
): Promise<TokenAnswer> {
  const form = {
    grant_type: 'refresh_token',
    refresh_token: refreshToken,
    code_verifier: verifier,
    resource: audience,
  };
  return connection.token(() => form, { repeatable: true, within: REFRESH_WITHIN_MS, signal });
}

/** How a task that was opened gets its next access token. */
export function renewalOf(connection: Connection, { answer, verifier, joins, renew }: Opened): Renew {
  if (renew) return renew;
  const { task_id: id, refresh_token: first } = answer;
  if (joins) {
    return (audience) => {
      const form = {
        grant_type: 'client_credentials',
        task_id: id,
        code_verifier: verifier,
        resource: audience,
      };
      return connection.token(() => form, { repeatable: true });
    };
  }
  if (first === undefined) return () => Promise.reject(notRenewable());
  return rotating(first, (token, audience) => refreshTokens(connection, token, { verifier, audience }));
}

/** One rotation after the other: two at once would look like a replay. */
export function rotating(
  first: string,
  rotate: (token: string, audience: string | undefined) => Promise<TokenAnswer>,
): Renew {
  let token = first;
  let last: Promise<unknown> = Promise.resolve();
  return (audience) => {
    const next = last.then(async () => {
      const answer = await rotate(token, audience);
      token = answer.refresh_token ?? token;
      return answer;
    });
    last = next.catch(() => undefined);
    return next;
  };
}

export function notRenewable(): TaskgrantError {
  return new TaskgrantError('task_ended', 'no further token: ask for a new task');
}

/** A child of a task of this process inherits its challenge; anything else gets one of its own. */
async function bind(parent: Parent | undefined) {
  const verifier = parent?.verifier ?? randomText();
  return { verifier, binding: parent?.verifier ? { code_verifier: verifier } : await challenge(verifier) };
}

/** RFC 7636 §4.2, also where only client_credentials is asked for (an extension of the server). */
export async function challenge(verifier: string) {
  return { code_challenge: await sha256(verifier), code_challenge_method: 'S256' } as const;
}
