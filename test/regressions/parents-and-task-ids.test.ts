import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { browserOf } from '../support/browser-session.ts';
import { authorizationUrl, CALLBACK } from '../support/code-flow.ts';
import { type AgentParty, asAdmin, createPerson, pkce, registerAgent } from '../support/parties.ts';
import { basic } from '../support/requests.ts';
import { startServer, type TestServer } from '../support/server.ts';
import {
  auditEvents,
  clientCredentials,
  derive,
  introspect,
  open,
  type OpenTask,
  requestToken,
  tokenExchange,
} from '../support/token-requests.ts';

/** Cause (agentictrust): parents and task ids were whatever the request said, of whichever client. */
let server: TestServer;
let agent: AgentParty;
let stranger: AgentParty;
let root: OpenTask;

beforeAll(async () => {
  server = await startServer();
  agent = await registerAgent(server);
  stranger = await registerAgent(server);
  root = await open(server, agent);
});
afterAll(() => server.stop());

describe('a token of another client', () => {
  test('could be derived from by any client: now by its own and its delegates only', async () => {
    const stolen = root.token;
    for (const form of [pkce().parameters, { code_verifier: root.verifier }, {}]) {
      const exchanged = await tokenExchange(server, stranger, stolen, form);
      expect(exchanged.body).toMatchObject({ error: 'invalid_request', task_error: 'actor_not_permitted' });
      const derived = await clientCredentials(server, stranger, { parent_token: stolen, ...form });
      expect(derived.body).toMatchObject({ error: 'invalid_grant', task_error: 'actor_not_permitted' });
    }
    const tree = await asAdmin(server, 'GET', `/api/tasks/${root.taskId}/tree`);
    expect(tree.body.tasks).toHaveLength(1);
  });
});

describe('parent_task_id without parent_token', () => {
  test('was stored as a fact: now it is a cross-check, and refused where there is nothing to check', async () => {
    const answer = await clientCredentials(server, agent, {
      parent_task_id: root.taskId,
      ...pkce().parameters,
    });
    expect(answer.status).toBe(400);
    expect(answer.body).toMatchObject({ error: 'invalid_grant', task_error: 'parent_mismatch' });
    const { body } = await asAdmin(server, 'GET', `/api/tasks/${root.taskId}/tree`);
    expect(body.tasks).toHaveLength(1);
  });
});

describe('a task id', () => {
  test('had no owner: now nobody else gets a token for it', async () => {
    for (const form of [
      pkce().parameters,
      { code_verifier: root.verifier },
      { scope: 'reports:read', ...pkce().parameters },
    ]) {
      const taken = await clientCredentials(server, stranger, { task_id: root.taskId, ...form });
      expect(taken.body).toMatchObject({ error: 'invalid_request', task_error: 'task_id_taken' });
    }
  });

  test('was taken for a fact where it only was named: now it says nothing in the history of the task', async () => {
    const grants = ['client_credentials', 'refresh_token'];
    const refreshing = await registerAgent(server, { grant_types: grants });
    const own = await open(server, refreshing, { scope: 'reports:read' });
    const refused = await requestToken(server, refreshing, {
      grant_type: 'refresh_token',
      refresh_token: own.body.refresh_token,
      code_verifier: own.verifier,
      scope: 'reports:write',
      task_id: root.taskId,
    });
    expect(refused.body.task_error).toBe('not_subset');
    const unknown = { ...agent, headers: basic(agent.clientId, 'a guess') };
    await clientCredentials(server, unknown, { task_id: root.taskId, ...pkce().parameters });

    const named = { task_id: null, details: { task_id: root.taskId } };
    const { clientId } = refreshing;
    const [widening] = await auditEvents(server, { client_id: clientId, event_type: 'token_refused' });
    expect(widening).toMatchObject(named);
    const guess = { client_id: agent.clientId, event_type: 'client_authentication_failed' };
    expect((await auditEvents(server, guess))[0]).toMatchObject(named);
    const chain = await asAdmin(server, 'GET', `/api/admin/audit/task-chain/${root.taskId}`);
    expect(chain.body.task_details[0].refused_widenings).toEqual([]);
  });

  test('was given again: now one that has ended stays taken', async () => {
    const taskId = 'a-task-of-last-week';
    await open(server, agent, { task_id: taskId, task_expires_in: 1 });
    server.clock.advance(2);
    const again = await clientCredentials(server, stranger, { task_id: taskId, ...pkce().parameters });
    expect(again.body.task_error).toBe('task_id_taken');
  });
});

describe('a task id that a person declined a task for', () => {
  test('names none: it is free, and whoever takes it gets nothing of the first', async () => {
    const client = await registerAgent(server, {
      redirect_uris: [CALLBACK],
      grant_types: ['authorization_code'],
    });
    const taskId = 'declined-once';
    const form = { ...pkce().parameters, scope: 'reports:read', task_id: taskId };
    const back = await browserOf(server, await createPerson(server)).decline(
      authorizationUrl(server, client, form),
    );
    expect(back.searchParams.get('error')).toBe('access_denied');
    for (const path of [`/api/tasks/${taskId}`, `/api/admin/audit/task-chain/${taskId}`]) {
      expect((await asAdmin(server, 'GET', path)).status).toBe(404);
    }
    const [declined] = await auditEvents(server, { task_id: taskId, event_type: 'authorization_denied' });
    expect(declined).toMatchObject({ client_id: client.clientId, status: 'refused' });
    const task = await open(server, agent, { task_id: taskId });
    const chain = await asAdmin(server, 'GET', `/api/admin/audit/task-chain/${taskId}`);
    expect(chain.body.task_details).toMatchObject([{ task_id: taskId, client_id: agent.clientId }]);
    expect((await introspect(server, agent, task.token)).sub).toBe(agent.clientId);
    const late = await browserOf(server, await createPerson(server)).pages.open(
      authorizationUrl(server, client, form),
    );
    expect(late.location?.searchParams.get('error_description')).toMatch(/^task_id_taken: /);
  });
});

describe('a task id that is taken while a person is asked about it', () => {
  test('ends the request: nothing could come of an approval', async () => {
    const client = await registerAgent(server, {
      redirect_uris: [CALLBACK],
      grant_types: ['authorization_code'],
    });
    const person = await createPerson(server);
    const browser = browserOf(server, person);
    const form = { ...pkce().parameters, scope: 'reports:read', task_id: 'taken-meanwhile' };
    const page = await browser.consentPage(authorizationUrl(server, client, form));
    await open(server, agent, { task_id: 'taken-meanwhile' });
    const back = (await browser.pages.submit(page, {})).location;
    expect(back?.searchParams.get('error_description')).toMatch(/^task_id_taken: /);
    const { body } = await asAdmin(server, 'GET', `/api/admin/users/${person.userId}/consents`);
    expect(body.consents).toEqual([]);
  });
});

describe('the root of a chain', () => {
  test('was said to be the task that was asked about: now every member names the true root', async () => {
    const child = await derive(server, root, { task_id: 'level-1' });
    const grandchild = await derive(server, child, { task_id: 'level-2' });
    for (const { taskId } of [root, child, grandchild]) {
      const chain = await asAdmin(server, 'GET', `/api/admin/audit/task-chain/${taskId}`);
      expect(chain.body.root_task_id).toBe(root.taskId);
    }
    expect(grandchild.body.task.root).toBe(root.taskId);
    expect((await introspect(server, agent, grandchild.token)).txn).toBe(root.taskId);
  });

  test('could be set by the request: now what it says of its place is ignored', async () => {
    const claims = { root_task_id: 'another', depth: '0', lineage: '[]', task_depth: '-5' };
    const { body } = await clientCredentials(server, agent, { ...claims, ...pkce().parameters });
    expect(body.task).toMatchObject({ root: body.task_id, depth: 0, lineage: [] });
  });
});
