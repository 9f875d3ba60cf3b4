import {
  discoverOAuthProtectedResourceMetadata,
  extractWWWAuthenticateParams,
} from '@modelcontextprotocol/sdk/client/auth.js';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Agent, Task } from '@taskgrant/sdk/agent';

/** What an MCP server wants of whoever comes without a token. */
export interface Wanted {
  /** `aud` of its tokens. */
  readonly audience: string;
  readonly scope: string;
}

/**
 * Asks an MCP server what it wants (MCP authorization; RFC 9728 §5).
 * @throws Error unless it trusts the agent's own server: an agent shows its credentials to no other
 */
export async function discover(url: string, agent: Agent): Promise<Wanted> {
  const refused = await fetch(url, { method: 'POST' });
  const { resourceMetadataUrl, scope } = extractWWWAuthenticateParams(refused);
  await refused.body?.cancel();
  const metadata = await discoverOAuthProtectedResourceMetadata(
    url,
    resourceMetadataUrl === undefined ? {} : { resourceMetadataUrl },
  );
  if (!metadata.authorization_servers?.includes(agent.issuer)) throw new Error('it trusts another server');
  if (metadata.resource !== url) throw new Error('it states another address than the one it was asked at');
  return { audience: metadata.resource, scope: scope ?? metadata.scopes_supported?.join(' ') ?? '' };
}

/** A client whose requests carry the tokens of a task. */
export async function connect(url: string, task: Task): Promise<Client> {
  const client = new Client({ name: 'example', version: '1.0.0' });
  const transport = new StreamableHTTPClientTransport(new URL(url), {
    fetch: (input, init) => task.fetch(input, init),
  });
  await client.connect(transport);
  return client;
}
