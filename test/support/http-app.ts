import { createServer, type Server } from 'node:http';
import { expect } from '@jest/globals';
import request, { type Response } from 'supertest';
import { z } from 'zod';
import { deriveTask } from '../../src/app/issuance/derive-task.ts';
import { handOff } from '../../src/app/issuance/hand-off.ts';
import type { Issued } from '../../src/app/issuance/issuance.ts';
import { openTask } from '../../src/app/issuance/open-task.ts';
import { createRefusalRecorder, type RefusalRecorder } from '../../src/app/audit/record-refusal.ts';
import type { Agent } from '../../src/domain/agent.ts';
import type { AuditEvent, AuditEventType } from '../../src/domain/audit-event.ts';
import type { TaskRequest } from '../../src/domain/task-request.ts';
import { createHttpApp, type HttpAppParts } from '../../src/http/app.ts';
import type { BoundRoute } from '../../src/http/contract.ts';
import { adminAuditRoutes } from '../../src/http/routes/admin-audit.ts';
import { adminStatsRoutes } from '../../src/http/routes/admin-stats.ts';
import { adminTaskRoutes } from '../../src/http/routes/admin-tasks.ts';
import { adminTokenRoutes } from '../../src/http/routes/admin-tokens.ts';
import { exampleApiRoutes } from '../../src/http/routes/example-api.ts';
import { healthRoutes } from '../../src/http/routes/health.ts';
import { taskRoutes } from '../../src/http/routes/tasks.ts';
import { ADMIN_AUDIENCE, CALLER, createTestContext, type TestContext } from './app-context.ts';
import { holdToDescription } from './described-answers.ts';
import { anAgent } from './fixtures.ts';

/** The verifier of every task opened here, and its challenge. */
export const VERIFIER = 'verifier-of-the-process-that-started-the-task-0123';

const Problem = z.strictObject({
  type: z.string().startsWith('urn:taskgrant:problem:'),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  code: z.string(),
  request_id: z.string(),
});

export interface TestHttpApp extends TestContext {
  readonly server: Server;
  readonly refusals: RefusalRecorder;
  readonly routes: readonly BoundRoute[];
  /** Sends a request and checks the answer against the declaration of its route. */
  send(method: 'get' | 'post' | 'put' | 'delete', path: string, more?: Sent): Promise<Response>;
  /** Registers an agent that may do what the example resource server knows. */
  agent(over?: Partial<Agent>): Promise<Agent>;
  open(agent: Agent, more?: Partial<TaskRequest>, resources?: readonly string[]): Promise<Issued>;
  derive(agent: Agent, parent: Issued, more?: Partial<TaskRequest>): Promise<Issued>;
  handOffTo(delegate: Agent, agent: Agent, parent: Issued): Promise<string>;
  /** The value of an administrator's token with these rights. */
  adminToken(...rights: readonly string[]): Promise<string>;
  /** What the audit trail holds of one type, newest first. */
  events(type: AuditEventType): Promise<readonly AuditEvent[]>;
}

interface Sent {
  readonly token?: string;
  readonly body?: object;
  readonly form?: string;
  readonly headers?: Record<string, string>;
}

/** The whole HTTP side on a real store, without the OAuth engine. */
export async function createTestHttpApp(over: Partial<HttpAppParts> = {}): Promise<TestHttpApp> {
  const test = await createTestContext();
  const { context, store } = test;
  const refusals = createRefusalRecorder(context);
  const routes = [
    ...healthRoutes(store),
    ...taskRoutes(context),
    ...adminTokenRoutes(context),
    ...adminAuditRoutes(context),
    ...adminTaskRoutes(context),
    ...adminStatsRoutes(context),
    ...exampleApiRoutes(context),
    ...(over.routes ?? []),
  ];
  const app = createHttpApp({
    context,
    refusals,
    answerOnce: test.answerOnce,
    trustProxy: false,
    bodyLimit: 2048,
    version: '0.0.0',
    ...over,
    routes,
  });
  const checking = holdToDescription(app.description);
  app.middleware.unshift(checking.middleware as never);
  const answer = app.callback();
  const server = createServer((req, res) => void answer(req, res));
  return {
    ...test,
    server,
    refusals,
    routes,
    send: (method, path, more = {}) => send(server, routes, { method, path, ...more }),
    ...actors(test),
    async events(type) {
      await refusals.flush();
      return (await store.audit.search({ type }, { limit: 100 })).items;
    },
    async close() {
      await refusals.close();
      await test.close();
      checking.finish();
    },
  };
}

function actors({ context, store }: TestContext) {
  const command = (agent: Agent, request: Partial<TaskRequest>, resources: readonly string[] = []) => ({
    caller: { actor: agent.clientId, origin: CALLER.origin },
    agent,
    publicClient: false,
    request,
    resources,
    detailed: false,
    refreshAllowed: true,
  });
  const codeChallenge = context.digests.sha256(VERIFIER);
  const open: TestHttpApp['open'] = (agent, more = {}, resources = []) =>
    openTask(context, command(agent, { codeChallenge, ...more }, resources));
  return {
    async agent(over: Partial<Agent> = {}) {
      const agent = anAgent({ ...over, createdAt: context.clock.now() });
      const taken = new Error('the id of a test agent is taken') as never;
      await store.commit({
        id: context.ids.next(),
        guards: [],
        changes: [{ do: 'insert_agent', agent, miss: taken }],
        events: [],
      });
      return agent;
    },
    open,
    derive: (agent: Agent, parent: Issued, more: Partial<TaskRequest> = {}) =>
      deriveTask(context, {
        ...command(agent, { answer: codeChallenge, ...more }),
        parentToken: parent.access.value,
        origin: 'token_exchange',
      }),
    async handOffTo(delegate: Agent, agent: Agent, parent: Issued) {
      const issued = await handOff(context, {
        ...command(agent, { answer: codeChallenge }),
        parentToken: parent.access.value,
        delegateTo: delegate.clientId,
      });
      return issued.access.value;
    },
    async adminToken(...rights: readonly string[]) {
      const admin = await store.agents.byId('taskgrant-admin');
      if (!admin) throw new Error('the test store has no built-in client');
      const issued = await open(admin, rights.length > 0 ? { scope: rights } : {}, [ADMIN_AUDIENCE]);
      return issued.access.value;
    },
  };
}

type Method = 'get' | 'post' | 'put' | 'delete';

async function send(
  server: Server,
  routes: readonly BoundRoute[],
  { method, path, token, body, form, headers = {} }: Sent & { method: Method; path: string },
): Promise<Response> {
  let sending = request(server)[method](path).set(headers);
  if (token !== undefined) sending = sending.set('Authorization', `Bearer ${token}`);
  if (form !== undefined) sending = sending.type('form').send(form);
  else if (body !== undefined) sending = sending.send(body);
  const response = await sending;
  expectDeclared(routes, method, path, response);
  return response;
}

/** INVARIANT of every test: the answer is what the route declares, or problem details. */
export function expectDeclared(
  routes: readonly BoundRoute[],
  method: string,
  path: string,
  response: Response,
): void {
  if (response.status >= 400) {
    expect(response.type).toBe('application/problem+json');
    Problem.loose().parse(response.body);
    expect(response.body.status).toBe(response.status);
    return;
  }
  const [pathname = ''] = path.split('?');
  const found = routes.find(({ contract }) => contract.method === method && matches(contract, pathname));
  if (!found?.contract.returns.body) return;
  expect(response.status).toBe(found.contract.returns.status);
  expect(found.contract.returns.body.parse(response.body)).toEqual(response.body);
}

function matches({ path, aliases }: BoundRoute['contract'], pathname: string): boolean {
  return [path, ...aliases].some((known) =>
    new RegExp(`^${known.replace(/:\w+/g, '[^/]+')}$`).test(pathname),
  );
}
