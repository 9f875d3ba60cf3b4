import { randomText } from '../shared/encoding.ts';
import { TaskgrantError } from '../shared/errors.ts';
import type { CallOptions, Connection } from './connection.ts';
import { challenge, type Opened } from './opening.ts';
import type { Task } from './task.ts';
import { formOf, taskParameters, type TaskOptions } from './task-options.ts';

/** What a person is asked for, and where the answer comes back to. */
export interface AuthorizationOptions extends TaskOptions {
  /** Registered for the client; on a loopback address the port may be any (RFC 8252 §7.3). */
  readonly redirectUri: string;
}

/** A sign-in that a person has still to do. */
export interface Authorization {
  /** To be opened in the person's browser. */
  readonly url: string;
  /** Finds the answer to this request among others. */
  readonly state: string;
  /**
   * Redeems the URL that the browser came back to.
   * @throws TaskgrantError `authorization_refused` when the person or the server declined, or the answer is not to this
   * request.
   */
  redeem(callback: string | URL, options?: CallOptions): Promise<Task>;
}

/** The authorization code flow with PKCE (OAuth 2.1 §4.1); the verifier stays here, and binds the task's children too. */
export async function beginAuthorization(
  connection: Connection,
  options: AuthorizationOptions,
  adopt: (opened: Opened) => Task,
): Promise<Authorization> {
  const clientId = connection.credentials?.clientId;
  if (clientId === undefined) throw new TaskgrantError('option_invalid', 'clientId is needed for this');
  const { redirectUri } = options;
  const metadata = await connection.metadata(options.signal);
  const verifier = randomText();
  const state = randomText();
  const url = new URL(metadata.authorization_endpoint);
  const parameters = {
    response_type: 'code',
    client_id: clientId,
    redirect_uri: redirectUri,
    state,
    ...taskParameters(options),
    ...(await challenge(verifier)),
  };
  for (const [name, value] of formOf(parameters)) url.searchParams.append(name, value);
  return {
    url: url.href,
    state,
    async redeem(callback, { signal } = {}) {
      const code = codeOf(new URL(callback), { state, issuer: connection.issuer });
      const form = {
        grant_type: 'authorization_code',
        code,
        redirect_uri: redirectUri,
        code_verifier: verifier,
      };
      // A code redeemed twice ends everything that came of it: never repeated.
      const answer = await connection.token(() => form, { repeatable: false, signal });
      return adopt({ answer, verifier, joins: false });
    },
  };
}

/** @throws TaskgrantError `authorization_refused` */
function codeOf(
  { searchParams }: URL,
  expected: { readonly state: string; readonly issuer: string },
): string {
  if (searchParams.get('state') !== expected.state) throw refused('this is not the answer to our request');
  // RFC 9207: an answer that another server mixed in.
  if (searchParams.get('iss') !== expected.issuer) throw refused('the answer comes from another server');
  const error = searchParams.get('error');
  if (error !== null) throw refused(`the server refused: ${error}`, { error });
  const code = searchParams.get('code');
  if (code === null) throw refused('the answer holds no code');
  return code;
}

function refused(why: string, details?: Record<string, unknown>): TaskgrantError {
  return new TaskgrantError('authorization_refused', why, { details });
}
