import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createAdmin, type Admin } from '@taskgrant/sdk/admin';
import { type Agent, type AgentOptions, createAgent } from '@taskgrant/sdk/agent';
import { startTestServer } from '@taskgrant/sdk/dev';
import type { ProtectOptions } from '@taskgrant/sdk/resource';

/** Where an example plays: a server, its administrator, and whoever is registered there. */
export interface Stage extends AsyncDisposable {
  readonly issuer: string;
  readonly admin: Admin;
  /** Registers and activates an agent. */
  agent(name: string, may: AgentRights, options?: Pick<AgentOptions, 'dpop'>): Promise<StagedAgent>;
  /** Opens an API on a free port of this computer; it is registered before it gets its first request. */
  api(name: string, create: CreateApi, path?: string): Promise<StagedApi>;
}

export interface AgentRights {
  readonly permissions: readonly string[];
  readonly tools?: readonly string[];
}

/** An agent client, which knows its own id. */
export type StagedAgent = Agent & { readonly clientId: string };

/** What `protect` must know of an API. */
export type ApiOptions = Pick<ProtectOptions, 'issuer' | 'audience'> & {
  readonly credentials: { readonly clientId: string; readonly clientSecret: string };
};

/** Makes an API; `close` ends what it runs beside its requests. */
export type CreateApi = (options: ApiOptions) => {
  readonly listener: RequestListener;
  readonly ready: () => Promise<void>;
  readonly close: () => void;
};

export interface StagedApi {
  /** Its address, which is the audience of its tokens, too. */
  readonly url: string;
  readonly options: ApiOptions;
}

const PRODUCT = join(import.meta.dirname, '../..');

/**
 * A throw-away server; or the one that ISSUER names, with ADMIN_CLIENT_SECRET, the secret of its client taskgrant-admin.
 */
export async function openStage(): Promise<Stage> {
  const { ISSUER, ADMIN_CLIENT_SECRET = '' } = process.env;
  await using ending = new AsyncDisposableStack();
  const server =
    ISSUER === undefined
      ? ending.use(await startTestServer({ directory: PRODUCT }))
      : existing(ISSUER, ADMIN_CLIENT_SECRET);
  const { issuer } = server;
  const admin = ending.use(createAdmin({ issuer, ...server.admin }));
  const later = ending.move();
  return {
    issuer,
    admin,
    async agent(name, { permissions, tools = [] }, options = {}) {
      const { credentials } = await admin.agents.register({
        agentName: name,
        permissions,
        allowedTools: tools,
      });
      const { client_id: clientId, client_secret: clientSecret } = credentials;
      const agent = later.use(createAgent({ ...options, issuer, clientId, clientSecret }));
      await agent.activate(credentials.registration_token);
      return agent as StagedAgent;
    },
    api: (name, create, path = '') => openApi({ issuer, admin, later }, name, create, path),
    [Symbol.asyncDispose]: () => later.disposeAsync(),
  };
}

function existing(issuer: string, clientSecret: string) {
  return { issuer: issuer.replace(/\/$/, ''), admin: { clientId: 'taskgrant-admin', clientSecret } };
}

interface Parts {
  readonly issuer: string;
  readonly admin: Admin;
  readonly later: AsyncDisposableStack;
}

/** The port is part of the audience, so it comes first; requests that come too early wait for nothing and get 503. */
async function openApi({ issuer, admin, later }: Parts, name: string, create: CreateApi, path: string) {
  let listener: RequestListener = (_request, response) => void response.writeHead(503).end();
  const server = createServer((request, response) => listener(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  later.defer(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`;
  const { credentials } = await admin.resourceServers.register({ name, audiences: [url] });
  const { client_id: clientId, client_secret: clientSecret } = credentials;
  const options = { issuer, audience: url, credentials: { clientId, clientSecret } };
  const api = create(options);
  later.defer(() => api.close());
  await api.ready();
  listener = api.listener;
  return { url, options };
}
