import type { Adapter, AdapterPayload } from 'oidc-provider';
import type { AppContext } from '../../app/context.ts';
import { deleteClient, registerClient, updateClient } from '../../app/agents/register-client.ts';
import { isMetadataDocumentId } from '../client-id-metadata.ts';
import { clientMetadata, SECRET_IS_DIGESTED } from '../clients.ts';
import { refusing } from '../errors.ts';
import { currentRequestState } from '../request-state.ts';

/** Agents as the engine's clients; dynamic registration (RFC 7591, 7592) writes through the same use cases. */
export class ClientAdapter implements Adapter {
  readonly #context: AppContext;

  constructor(context: AppContext) {
    this.#context = context;
  }

  async find(id: string): Promise<AdapterPayload | undefined> {
    const found = await this.#context.store.agents.withSecrets(id);
    if (!found) return undefined;
    const { agent, secrets } = found;
    const state = currentRequestState();
    state?.agents.set(id, agent);
    state?.secrets.set(id, secrets);
    // The document at that URL is the metadata; the row only carries permissions and state.
    if (isMetadataDocumentId(id)) return undefined;
    return clientMetadata(agent);
  }

  async upsert(id: string, payload: AdapterPayload): Promise<void> {
    await refusing('token', () => this.#write(id, payload as Record<string, unknown>));
  }

  async #write(id: string, metadata: Record<string, unknown>): Promise<void> {
    const state = currentRequestState();
    const origin = state?.origin ?? null;
    const agent = state?.agents.get(id) ?? (await this.#context.store.agents.byId(id));
    if (agent) {
      await updateClient(this.#context, {
        caller: { actor: id, origin },
        agent,
        metadata: withNewSecret(metadata),
      });
      return;
    }
    await registerClient(this.#context, {
      caller: { actor: null, ...state?.registration?.registrar, origin },
      clientId: id,
      metadata,
      requestedScope: state?.registration?.requestedScope,
      byAdministrator: state?.registration?.registrar !== undefined,
    });
  }

  async destroy(id: string): Promise<void> {
    const caller = { actor: id, origin: currentRequestState()?.origin ?? null };
    await refusing('token', () => deleteClient(this.#context, { caller, clientId: id }));
  }

  async findByUid(): Promise<undefined> {
    return undefined;
  }

  async findByUserCode(): Promise<undefined> {
    return undefined;
  }

  async consume(): Promise<void> {
    throw new Error('clients are never consumed');
  }

  async revokeByGrantId(): Promise<void> {
    throw new Error('clients belong to no grant');
  }
}

/** The engine repeats what stands for the secret of a client that has one. */
function withNewSecret({
  client_secret: secret,
  ...metadata
}: Record<string, unknown>): Record<string, unknown> {
  return secret === SECRET_IS_DIGESTED ? metadata : { ...metadata, client_secret: secret };
}
