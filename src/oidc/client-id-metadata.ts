import type { Context } from 'koa';
import { errors } from 'oidc-provider';
import { checkRedirectUris } from '../app/agents/redirect-uris.ts';
import { checkClientName } from '../app/display-text.ts';
import type { AppContext } from '../app/context.ts';
import { registerClient } from '../app/agents/register-client.ts';
import type { Agent } from '../domain/agent.ts';
import { DomainError } from '../domain/errors.ts';
import type { EngineClient } from './internals.ts';
import type { NewcomerStep } from './rate-limit.ts';
import { requestState } from './request-state.ts';

/** draft-ietf-oauth-client-id-metadata-document §3: such a client id is the URL of its own metadata. */
export function isMetadataDocumentId(clientId: string): boolean {
  return clientId.startsWith('https://');
}

interface Metadata {
  readonly client_id?: string;
  readonly client_name?: unknown;
  readonly redirect_uris?: unknown;
  readonly sector_identifier_uri?: unknown;
}

/**
 * What the engine does not ask of a document: the rules of any registration for redirect URIs and for the name, and that
 * it makes the server fetch nothing but its keys. Clients that are stored were asked when they registered.
 * @throws InvalidClientMetadata
 */
export function checkMetadataDocument(metadata: Metadata): void {
  const { client_id: id, client_name: name, redirect_uris: uris } = metadata;
  if (id === undefined || !isMetadataDocumentId(id)) return;
  if (metadata.sector_identifier_uri !== undefined) {
    throw new errors.InvalidClientMetadata('sector_identifier_uri is not supported');
  }
  try {
    if (Array.isArray(uris)) checkRedirectUris(uris.map(String));
    if (typeof name === 'string') checkClientName(name);
  } catch (error) {
    throw error instanceof DomainError ? new errors.InvalidClientMetadata(error.message) : error;
  }
}

/** Counts what a newcomer costs; absent = there are no limits. @throws an error 429 of the engine. */
type Limited = ((ctx: Context, step: NewcomerStep) => Promise<void>) | undefined;

/** INVARIANT: whoever gets a row can be named where agents are suspended and deleted (http/fields.ts). */
const LONGEST_ID = 2048;

/** Before the engine fetches a document: strangers do not make it fetch without end. */
export function allowMetadataFetch(limited: Limited) {
  return async (ctx: unknown, clientId: string): Promise<boolean> => {
    // The engine takes the scheme in capitals, too; the id is compared to the letter everywhere else.
    if (!isMetadataDocumentId(clientId) || clientId.length > LONGEST_ID) return false;
    // The engine has asked the store for the client before.
    if (!requestState(ctx as Context).agents.has(clientId)) await limited?.(ctx as Context, 'source');
    return true;
  };
}

/**
 * The engine has fetched and checked the document (S20). The first time, the client gets a row of its own with the
 * default permissions, as any client that registers itself; a deleted one stays out.
 */
export function allowMetadataDocument(context: AppContext, limited: Limited) {
  return async (ctx: unknown, client: unknown): Promise<boolean> => {
    const { clientId } = client as EngineClient;
    const { agents } = requestState(ctx as Context);
    const known = agents.get(clientId) ?? (await context.store.agents.byId(clientId));
    if (known) return isWelcome(known);
    await limited?.(ctx as Context, 'registration');
    const agent = await newcomer(context, ctx as Context, client as EngineClient);
    agents.set(clientId, agent);
    return isWelcome(agent);
  };
}

function isWelcome({ deletedAt, state }: Agent): boolean {
  return deletedAt === null && state !== 'revoked';
}

async function newcomer(
  context: AppContext,
  ctx: Context,
  { clientId, clientName, clientAuthMethod }: EngineClient,
): Promise<Agent> {
  try {
    return await registerClient(context, {
      caller: { actor: null, origin: requestState(ctx).origin },
      clientId,
      metadata: {
        client_name: clientName ?? clientId,
        token_endpoint_auth_method: clientAuthMethod ?? 'none',
      },
      requestedScope: undefined,
      byAdministrator: false,
    });
  } catch (error) {
    // Another request of it was faster.
    const known = error instanceof DomainError ? await context.store.agents.byId(clientId) : undefined;
    if (known) return known;
    throw error;
  }
}
