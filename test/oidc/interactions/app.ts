import { createHash, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import compose from 'koa-compose';
import { createRefusalRecorder } from '../../../src/app/audit/record-refusal.ts';
import type { Change } from '../../../src/app/unit-of-work.ts';
import { createUser } from '../../../src/app/users/create-user.ts';
import type { Agent } from '../../../src/domain/agent.ts';
import type { AuditEventType } from '../../../src/domain/audit-event.ts';
import type { User } from '../../../src/domain/user.ts';
import { createHttpApp } from '../../../src/http/app.ts';
import { createMemoryLimiter } from '../../../src/limits/memory-limiter.ts';
import { createOAuthApp } from '../../../src/oidc/app.ts';
import { engineDescription } from '../../../src/oidc/description/engine-description.ts';
import { createEngineHolder } from '../../../src/oidc/engine-holder.ts';
import { createInteractions } from '../../../src/oidc/interactions/interactions.ts';
import { createSignInThrottle, type SignInLimits } from '../../../src/oidc/interactions/sign-in-throttle.ts';
import { browserHeaders } from '../../../src/oidc/views/browser-headers.ts';
import { createPageClient } from '../../browser/page-client.ts';
import { CALLER, createTestContext, type TestContext } from '../../support/app-context.ts';
import { anAgent } from '../../support/fixtures.ts';

export const PASSWORD = 'a password of some length';
export const REDIRECT_URI = 'https://client.example/callback';
const LIFETIMES = { authorizationCode: 60, interaction: 600, session: 3600, pushedRequest: 60 };
const CATALOGUE = new Map([
  ['reports:read', 'Read reports'],
  ['reports:write', 'Write <reports>'],
]);

export type InteractionsApp = Awaited<ReturnType<typeof startInteractionsApp>>;

/** The pages behind the real engine and a real store, listening; limits of signing in as the test wants them. */
export async function startInteractionsApp(
  limits: SignInLimits = { perEmail: 10, perSource: 60, windowSeconds: 900 },
) {
  const http = createServer();
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const issuer = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
  let ahead = 0;
  const clock = {
    now: () => Date.now() + ahead,
    advance: (seconds: number) => {
      ahead += seconds * 1000;
    },
  };
  const test = await createTestContext({ clock, settings: { issuer, catalogue: CATALOGUE } });
  const { context, store, keyring, answerOnce } = test;
  const refusals = createRefusalRecorder(context);
  const cookieKeys = [randomBytes(32).toString('base64url')];
  const holder = createEngineHolder(
    {
      context,
      artifacts: store.artifacts,
      refusals,
      signingAlgorithm: 'ES256',
      cookieKeys,
      dpopNonceSecret: randomBytes(32),
      lifetimes: LIFETIMES,
      scopes: ['profile', 'email'],
      metadataDocuments: false,
      fetch: () => Promise.reject(new Error('nothing is fetched here')),
    },
    () => keyring.privateJwks(),
  );
  const interactions = createInteractions({
    context,
    artifacts: store.artifacts,
    provider: holder.provider,
    refusals,
    throttle: createSignInThrottle({ limiter: createMemoryLimiter(clock), digests: context.digests }, limits),
    secret: randomBytes(32),
    browserSecret: randomBytes(32),
    codeSeconds: LIFETIMES.authorizationCode,
  });
  const engine = createOAuthApp({
    context,
    refusals,
    answerOnce,
    bodyLimit: 65_536,
    engine: holder.middleware,
    followKeys: async () => undefined,
    interactions,
  });
  const app = createHttpApp({
    context,
    refusals,
    answerOnce,
    routes: [],
    trustProxy: false,
    bodyLimit: 65_536,
    version: '0.0.0',
    cookieKeys,
    engine: {
      middleware: compose([browserHeaders(), engine]) as never,
      description: () => engineDescription(issuer),
    },
  });
  http.on('request', app.callback());
  return {
    ...test,
    issuer,
    async agent(over: Partial<Agent> = {}): Promise<Agent> {
      const agent = anAgent({ permissions: ['reports:read', 'reports:write'], metadata: METADATA, ...over });
      await change({ context, store }, { do: 'insert_agent', agent, miss: new Error('taken') as never });
      return agent;
    },
    /** A service that knows any right. */
    async audience(): Promise<string> {
      const clientId = context.ids.next();
      const server = {
        clientId,
        name: 'Any',
        audiences: [`https://${clientId.toLowerCase().replaceAll('_', '-')}.example/`],
        scopes: null,
        tokenFormat: 'jwt' as const,
        createdAt: clock.now(),
      };
      const miss = new Error('taken') as never;
      await change(
        { context, store },
        { do: 'insert_agent', agent: anAgent({ clientId, kind: 'resource_server' }), miss },
      );
      await change({ context, store }, { do: 'insert_resource_server', server, miss });
      return server.audiences[0] ?? '';
    },
    person: (permissions: readonly string[] = ['reports:read', 'reports:write']) =>
      createUser(context, {
        caller: CALLER,
        email: `${context.ids.next().toLowerCase()}@example.com`,
        name: 'Ada Example',
        password: PASSWORD,
        permissions,
      }),
    async events(type: AuditEventType) {
      await refusals.flush();
      return (await store.audit.search({ type }, { limit: 100 })).items;
    },
    async stop() {
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
      await refusals.close();
      await test.close();
    },
  };
}

const METADATA = {
  grant_types: ['authorization_code', 'refresh_token'],
  response_types: ['code'],
  token_endpoint_auth_method: 'none',
  redirect_uris: [REDIRECT_URI, 'http://127.0.0.1/callback', 'cursor://anysphere/callback'],
  application_type: 'native',
};

export const VERIFIER = randomBytes(32).toString('base64url');

/** Path of an authorization request. */
export function authorizePath(agent: Agent, over: Record<string, string | undefined> = {}): string {
  const params: Record<string, string | undefined> = {
    client_id: agent.clientId,
    response_type: 'code',
    redirect_uri: REDIRECT_URI,
    scope: 'reports:read reports:write',
    state: 'state-of-the-client',
    code_challenge: createHash('sha256').update(VERIFIER).digest('base64url'),
    code_challenge_method: 'S256',
    ...over,
  };
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) if (value !== undefined) query.set(name, value);
  return `/api/oauth/authorize?${query.toString()}`;
}

/** Redeems the code that a redirect brought. */
export async function redeem(app: InteractionsApp, agent: Agent, back: URL | undefined) {
  const response = await fetch(`${app.issuer}/api/oauth/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      code: back?.searchParams.get('code') ?? '',
      client_id: agent.clientId,
      redirect_uri: REDIRECT_URI,
      code_verifier: VERIFIER,
    }),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

/** A browser in which the person has signed in, at the page that asks for consent. */
export async function atConsent(
  app: InteractionsApp,
  agent: Agent,
  { email, over = {} }: { email: string; over?: Record<string, string | undefined> },
) {
  const browser = createPageClient(app.issuer);
  const page = await browser.open(authorizePath(agent, over));
  return { browser, page: await browser.submit(page, { email, password: PASSWORD }) };
}

/** An administrator changes an agent. */
export async function patchAgent(app: InteractionsApp, agent: Agent, set: Partial<Agent>): Promise<void> {
  await change(app, {
    do: 'update_agent',
    clientId: agent.clientId,
    expectEpoch: agent.epoch,
    set,
    miss: new Error('changed') as never,
  });
}

/** An administrator changes a person. */
export async function patchUser(
  app: InteractionsApp,
  user: User,
  set: Partial<Pick<User, 'state' | 'epoch' | 'permissions'>>,
): Promise<void> {
  await change(app, {
    do: 'update_user',
    userId: user.userId,
    expectEpoch: user.epoch,
    expect: { name: user.name, state: user.state, permissions: user.permissions },
    set,
    miss: new Error('changed') as never,
  });
}

async function change(
  { context, store }: Pick<TestContext, 'context' | 'store'>,
  one: Change,
): Promise<void> {
  await store.commit({ id: context.ids.next(), guards: [], changes: [one], events: [] });
}
