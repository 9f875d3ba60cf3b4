import type { Agent } from '../../domain/agent.ts';
import { DomainError } from '../../domain/errors.ts';
import { createdFact, insertionOf } from '../api-keys/create-api-key.ts';
import { type MintedApiKey, mintApiKey } from '../api-keys/mint-api-key.ts';
import { type Caller, unitOf } from '../audit/audit-trail.ts';
import type { AppContext } from '../context.ts';
import { checkText, NAME_LENGTH } from '../display-text.ts';
import { checkPermissions } from '../permissions/check-permissions.ts';
import { pendingAgent, type Registrar, registeredFact, requireRegistrationOpen } from './register-agent.ts';

export interface RegisterWithApiKeyCommand {
  readonly caller: Caller;
  readonly registrar: Registrar;
  readonly name: string;
  readonly description: string;
  /** Who answers for the agent, as it says itself: kept and shown, never evaluated. */
  readonly ownerEmail: string;
  /** Absent = the default ones. */
  readonly permissions: readonly string[] | undefined;
}

export interface RegisteredWithApiKey {
  readonly agent: Agent;
  readonly apiKey: MintedApiKey;
}

/**
 * Registers an agent that acts at once with its first API key. It gets what it asked for within the default
 * permissions, or all of it from an administrator; the rest waits in `requested_permissions`.
 * @throws DomainError `forbidden` where registration is not open to the registrar, `parameter_invalid`, or
 * `permission_invalid` with `invalid_permissions` for what the catalogue does not know.
 */
export async function registerWithApiKey(
  context: AppContext,
  command: RegisterWithApiKeyCommand,
): Promise<RegisteredWithApiKey> {
  requireRegistrationOpen(context.settings, command.registrar);
  await requireKnownPermissions(context, command.permissions ?? []);
  const agent = activeAgent(context, command);
  const apiKey = mintApiKey(context, { clientId: agent.clientId, name: 'first key', expiresIn: null });
  const taken = new DomainError('conflict', 'the client_id is taken');
  await context.store.commit(
    unitOf(
      context,
      command.caller,
      [{ do: 'insert_agent', agent, miss: taken }, insertionOf(context, apiKey)],
      registeredFact(agent, command.registrar),
      { type: 'agent_activated', clientId: agent.clientId },
      createdFact(apiKey),
    ),
  );
  return { agent, apiKey };
}

/** @throws DomainError `permission_invalid` that names each permission and what is wrong with it. */
export async function requireKnownPermissions(
  context: AppContext,
  permissions: readonly string[],
): Promise<void> {
  const invalid = await checkPermissions(context, permissions);
  if (invalid.length === 0) return;
  const [first] = invalid;
  throw new DomainError('permission_invalid', `${first?.permission} ${first?.reason}`, {
    invalid_permissions: invalid,
  });
}

function activeAgent(context: AppContext, command: RegisterWithApiKeyCommand): Agent {
  const { registrar, name, description, ownerEmail, permissions } = command;
  const agent = pendingAgent(context, {
    registrar,
    // The name of the member here, should it be refused.
    name: checkText('name', name, NAME_LENGTH),
    description,
    tools: [],
    resources: [],
    permissions,
    client: {},
  });
  const statements = { owner_email: ownerEmail };
  return {
    ...agent,
    state: 'active',
    activatedAt: agent.createdAt,
    metadata: { ...agent.metadata, statements },
  };
}
