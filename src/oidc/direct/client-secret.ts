import type { Context } from 'koa';
import { isSecretOf } from '../../app/agents/client-secret.ts';
import type { AppContext } from '../../app/context.ts';
import type { Agent } from '../../domain/agent.ts';
import { isMetadataDocumentId } from '../client-id-metadata.ts';
import { SECRET_METHODS } from '../clients.ts';
import { extendRequestState } from '../request-state.ts';
import type { Params } from '../task-parameters.ts';

/** Names of parameters that authenticate a client (RFC 6749 §2.3.1, RFC 7521 §4.2). */
export const CLIENT_PARAMETERS = ['client_id', 'client_secret', 'client_assertion', 'client_assertion_type'];

/** Headers that make a request more than one with a client secret. */
const UNUSUAL_HEADERS = ['dpop', 'oauth-client-attestation', 'oauth-client-attestation-pop'];
const BASIC = /^Basic ([A-Za-z0-9+/]+={0,2})$/i;
/** What form-urlencoding (RFC 6749 §2.3.1) leaves as it is, visible and without `%` and `+`. */
const PLAIN = /^[\x20-\x24\x26-\x2a\x2c-\x7e]+$/;

export interface SecretCredentials {
  readonly clientId: string;
  readonly secret: string;
}

/** The one id and secret of a request that authenticates its client with nothing else; undefined for any other. */
export function readSecret(ctx: Context, params: Params): SecretCredentials | undefined {
  const { authorization } = ctx.headers;
  if (UNUSUAL_HEADERS.some((name) => ctx.headers[name] !== undefined)) return undefined;
  if (params['client_assertion'] !== undefined || params['client_assertion_type'] !== undefined)
    return undefined;
  const { client_id: clientId, client_secret: secret } = params;
  if (authorization === undefined) {
    return typeof clientId === 'string' && typeof secret === 'string' ? { clientId, secret } : undefined;
  }
  const basic = secret === undefined ? fromBasic(authorization) : undefined;
  return clientId === undefined || clientId === basic?.clientId ? basic : undefined;
}

function fromBasic(authorization: string): SecretCredentials | undefined {
  const encoded = BASIC.exec(authorization)?.[1] ?? '';
  const text = Buffer.from(encoded, 'base64').toString('utf8');
  // Its own base64 again, with all of its padding or none: nothing was skipped or cut off while decoding.
  const again = Buffer.from(text, 'utf8').toString('base64');
  if (encoded !== again && encoded !== again.replaceAll('=', '')) return undefined;
  const colon = text.indexOf(':');
  const [clientId, secret] = [text.slice(0, Math.max(colon, 0)), text.slice(colon + 1)];
  return PLAIN.test(clientId) && PLAIN.test(secret) ? { clientId, secret } : undefined;
}

/**
 * The active client that these credentials prove.
 *
 * INVARIANT: never laxer than the engine. Whatever is missing, unusual or wrong is undefined here and goes to the
 * engine, which looks at it again and has the words for it (test/oidc/direct asks both).
 */
export async function clientBySecret(
  context: AppContext,
  ctx: Context,
  { clientId, secret }: SecretCredentials,
): Promise<Agent | undefined> {
  if (isMetadataDocumentId(clientId)) return undefined;
  const found = await context.store.agents.withSecrets(clientId);
  if (!found) return undefined;
  const { agent, secrets } = found;
  if (agent.state !== 'active' || agent.deletedAt !== null) return undefined;
  const { token_endpoint_auth_method: method = 'client_secret_basic', dpop_bound_access_tokens: bound } =
    agent.metadata;
  if (!SECRET_METHODS.includes(method as string) || bound === true) return undefined;
  if (!isSecretOf(context, secrets, secret)) return undefined;
  extendRequestState(ctx, { directClient: clientId });
  return agent;
}
