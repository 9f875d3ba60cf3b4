import { createServer } from 'node:http';
import request, { type Response } from 'supertest';
import type { Issued } from '../../src/app/issuance/issuance.ts';
import { openTask } from '../../src/app/issuance/open-task.ts';
import { createRefusalRecorder } from '../../src/app/audit/record-refusal.ts';
import type { AuditEvent, AuditEventType } from '../../src/domain/audit-event.ts';
import { createHttpApp } from '../../src/http/app.ts';
import type { BoundRoute } from '../../src/http/contract.ts';
import { createRoutes } from '../../src/http/routes.ts';
import { ADMIN_AUDIENCE, answerOnceOf, CALLER, createTestContext } from './app-context.ts';
import type { TestContext, TestContextOptions } from './app-context.ts';
import { holdToDescription } from './described-answers.ts';
import { expectDeclared } from './http-app.ts';
import { TASK_VERIFIER } from './registered-agent.ts';

type Method = 'get' | 'post' | 'put' | 'delete';

interface Sent {
  readonly token?: string;
  readonly body?: object;
  readonly headers?: Record<string, string>;
}

export interface ApiClient extends TestContext {
  readonly routes: readonly BoundRoute[];
  /** Sends a request and checks the answer against the declaration of its route. */
  send(method: Method, path: string, more?: Sent): Promise<Response>;
  /** A token of the built-in client with these rights; both when none is named. */
  adminToken(...rights: string[]): Promise<string>;
  /** What the audit trail holds of one type, refusals included, newest first. */
  events(type: AuditEventType): Promise<readonly AuditEvent[]>;
}

/** Every route of the REST API on a real store with the given settings, without the OAuth engine. */
export async function createApiClient(options: TestContextOptions = {}): Promise<ApiClient> {
  return clientOf(await createTestContext(options));
}

/** Another node on the same store. It is closed first, and leaves the store open. */
export function nodeBeside({ context, store, clock, keyring }: TestContext): ApiClient {
  return clientOf({
    context,
    store,
    clock,
    keyring,
    answerOnce: answerOnceOf(context),
    close: async () => {},
  });
}

function clientOf(made: TestContext): ApiClient {
  const { context, store, answerOnce } = made;
  const refusals = createRefusalRecorder(context);
  const routes = createRoutes(context, () => store.ping());
  const parts = {
    context,
    refusals,
    answerOnce,
    routes,
    trustProxy: false,
    bodyLimit: 65_536,
    version: '0.0.0',
  };
  const app = createHttpApp(parts);
  const checking = holdToDescription(app.description);
  app.middleware.unshift(checking.middleware as never);
  const answer = app.callback();
  const server = createServer((req, res) => void answer(req, res));
  return {
    ...made,
    routes,
    async send(method, path, { token, body, headers = {} } = {}) {
      const sending = request(server)[method](path).set(headers);
      if (token !== undefined) sending.set('Authorization', `Bearer ${token}`);
      const response = await sending.send(body);
      expectDeclared(routes, method, path, response);
      return response;
    },
    adminToken: async (...rights) => (await openAdminTask(made, rights)).access.value,
    async events(type) {
      await refusals.flush();
      return (await store.audit.search({ type }, { limit: 100 })).items;
    },
    async close() {
      await refusals.close();
      await made.close();
      checking.finish();
    },
  };
}

async function openAdminTask({ context, store }: TestContext, rights: string[]): Promise<Issued> {
  const agent = await store.agents.byId('taskgrant-admin');
  if (!agent) throw new Error('the store was not bootstrapped');
  const codeChallenge = context.digests.sha256(TASK_VERIFIER);
  return openTask(context, {
    caller: { actor: agent.clientId, origin: CALLER.origin },
    agent,
    publicClient: false,
    request: rights.length > 0 ? { codeChallenge, scope: rights } : { codeChallenge },
    resources: [ADMIN_AUDIENCE],
    detailed: false,
    refreshAllowed: false,
  });
}
