import { DomainError } from '../../domain/errors.ts';
import type { ResourceServer } from '../../domain/resource-server.ts';
import { parseScope } from '../../domain/scope.ts';
import { claimAudiences } from './audience-ownership.ts';
import { type Caller, unitOf } from '../audit/audit-trail.ts';
import { mintClientSecret } from '../agents/client-secret.ts';
import type { AppContext } from '../context.ts';
import { checkText, NAME_LENGTH } from '../display-text.ts';
import { resourceServerClient } from './resource-server-client.ts';

export interface RegisterResourceServerCommand {
  readonly caller: Caller;
  readonly name: string;
  readonly audiences: readonly string[];
  /** Rights that it knows; null = any. */
  readonly scopes: readonly string[] | null;
  readonly tokenFormat: 'jwt' | 'opaque';
}

export interface RegisteredResourceServer {
  readonly server: ResourceServer;
  /** In clear, for the answer alone. */
  readonly clientSecret: string;
}

/** @throws DomainError `parameter_invalid`, or `conflict` when an audience has another owner. */
export async function registerResourceServer(
  context: AppContext,
  command: RegisterResourceServerCommand,
): Promise<RegisteredResourceServer> {
  const clientId = `rs_${context.ids.next()}`;
  const server: ResourceServer = {
    clientId,
    name: checkText('name', command.name, NAME_LENGTH),
    audiences: await claimAudiences(context, { clientId, audiences: command.audiences }),
    scopes: command.scopes && parseScope(command.scopes.join(' ')),
    tokenFormat: command.tokenFormat,
    createdAt: context.clock.now(),
  };
  const { value, secret } = mintClientSecret(context, clientId);
  const miss = audienceTaken();
  await context.store.commit(
    unitOf(
      context,
      command.caller,
      [
        { do: 'insert_agent', agent: resourceServerClient(server), miss },
        { do: 'insert_secret', secret },
        { do: 'insert_resource_server', server, miss },
      ],
      { type: 'resource_server_registered', clientId, details: resourceServerFacts(server) },
    ),
  );
  return { server, clientSecret: value };
}

/** What the audit trail keeps of a resource server. */
export function resourceServerFacts(server: ResourceServer): Record<string, unknown> {
  const { name, audiences, scopes, tokenFormat } = server;
  return { name, audiences, scopes, token_format: tokenFormat };
}

export function audienceTaken(): DomainError {
  return new DomainError('conflict', 'an audience was given to another resource server meanwhile');
}
