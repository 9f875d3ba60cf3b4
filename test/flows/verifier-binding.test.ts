import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type AgentParty, pkce, registerAgent } from '../support/parties.ts';
import { bearer, type Form, postJson } from '../support/requests.ts';
import { startServer, type TestServer } from '../support/server.ts';
import {
  clientCredentials,
  delegate,
  derive,
  handOff,
  open,
  type OpenTask,
  requestToken,
  revoke,
  TOKEN_EXCHANGE,
  tokenExchange,
} from '../support/token-requests.ts';

/** The table of R7, row by row; the rows of the code flow are in code-flow-tasks.test.ts. */
let server: TestServer;
let agent: AgentParty;
let other: AgentParty;
let root: OpenTask;

beforeAll(async () => {
  server = await startServer();
  agent = await registerAgent(server, {
    grant_types: ['client_credentials', 'refresh_token', TOKEN_EXCHANGE],
  });
  other = await registerAgent(server);
  root = await open(server, agent, { delegates: other.clientId });
});
afterAll(() => server.stop());

const MISSING = { error: 'invalid_request', task_error: 'challenge_required' };
const MISMATCH = { error: 'invalid_grant', task_error: 'verifier_mismatch' };

/** The two doors to a child task. */
const doors = {
  'token exchange': (by: AgentParty, parent: string, form: Form) => tokenExchange(server, by, parent, form),
  client_credentials: (by: AgentParty, parent: string, form: Form) =>
    clientCredentials(server, by, { parent_token: parent, ...form }),
};

describe('[R7] opening a root task by client_credentials', () => {
  test.each([
    ['no challenge', {}],
    ['a challenge without its method', { code_challenge: pkce().challenge }],
    ['a method without a challenge', { code_challenge_method: 'S256' }],
    ['the plain method', { code_challenge: pkce().challenge, code_challenge_method: 'plain' }],
    ['a verifier in the place of a challenge', { code_verifier: pkce().verifier }],
  ])('[S5] is refused with %s', async (_what, form) => {
    const { status, body } = await clientCredentials(server, agent, form);
    expect({ status, ...body }).toMatchObject({ status: 400, ...MISSING });
    expect(body.error_description).toMatch(/^challenge_required: /);
  });

  test('is refused with a challenge that no S256 can be', async () => {
    const { body } = await clientCredentials(server, agent, {
      code_challenge: 'too-short',
      code_challenge_method: 'S256',
    });
    expect(body).toMatchObject({ error: 'invalid_request' });
  });

  test('binds the task, says so, and keeps the challenge out of the token', async () => {
    expect(root.body.task.verifier_bound).toBe(true);
    const claims = Buffer.from(root.token.split('.')[1] ?? '', 'base64url').toString();
    expect(claims).not.toContain(pkce().challenge.slice(0, 3).concat('code_challenge'));
    expect(claims).not.toMatch(/challenge|verifier/);
  });

  test('works without a challenge under a waiver, and the task is a leaf', async () => {
    const waived = await registerAgent(server, {
      grant_types: ['client_credentials', 'refresh_token', TOKEN_EXCHANGE],
      limits: { challenge_waived: true },
    });
    const { status, body } = await clientCredentials(server, waived);
    expect(status).toBe(200);
    expect(body).not.toHaveProperty('refresh_token');
    expect(body.task).toMatchObject({ verifier_bound: false, max_depth: 0 });
    const child = await tokenExchange(server, waived, body.access_token);
    expect(child.body).toMatchObject({ error: 'invalid_request', task_error: 'leaf_task' });
    const again = await clientCredentials(server, waived, { task_id: body.task_id });
    expect(again.body).toMatchObject({ error: 'invalid_grant', task_error: 'leaf_task' });
  });
});

describe('[R7] issuing another token for a task by its task_id', () => {
  test('takes the verifier of the task', async () => {
    const form = { task_id: root.taskId, code_verifier: root.verifier };
    const { status, body } = await clientCredentials(server, agent, form);
    expect(status).toBe(200);
    expect(body).toMatchObject({ task_id: root.taskId, scope: root.body.scope });
    expect(body.token_id).not.toBe(root.tokenId);
  });

  test.each([
    ['without a verifier', {}],
    ['with the verifier of another process', { code_verifier: pkce().verifier }],
  ])('is refused %s', async (_what, form) => {
    const { body } = await clientCredentials(server, agent, { task_id: root.taskId, ...form });
    expect(body).toMatchObject(MISMATCH);
    expect(body.error_description).toMatch(/^verifier_mismatch: /);
  });

  test('is refused with a new challenge: the binding cannot be replaced', async () => {
    const { body } = await clientCredentials(server, agent, {
      task_id: root.taskId,
      code_verifier: root.verifier,
      ...pkce().parameters,
    });
    expect(body).toMatchObject({ error: 'invalid_request', task_error: 'challenge_refused' });
  });
});

describe.each(Object.entries(doors))('[R7] deriving a child by %s', (_door, derived) => {
  test('the same client sends the parent’s verifier, and the child inherits its challenge', async () => {
    const { status, body } = await derived(agent, root.token, { code_verifier: root.verifier });
    expect(status).toBe(200);
    expect(body.task.verifier_bound).toBe(true);
    const below = { code_verifier: root.verifier };
    expect((await derived(agent, body.access_token, below)).status).toBe(200);
  });

  test('the same client may bind the child to a challenge of its own', async () => {
    const own = pkce();
    const form = { code_verifier: root.verifier, ...own.parameters };
    const child = (await derived(agent, root.token, form)).body.access_token;
    expect((await derived(agent, child, { code_verifier: root.verifier })).body).toMatchObject(MISMATCH);
    expect((await derived(agent, child, { code_verifier: own.verifier })).status).toBe(200);
  });

  test.each([
    ['without a verifier', {}],
    ['with a wrong verifier', { code_verifier: pkce().verifier }],
    ['with a malformed verifier', { code_verifier: 'short' }],
    ['with a challenge in its place', pkce().parameters],
  ])('the same client is refused %s', async (_what, form) => {
    expect((await derived(agent, root.token, form)).body).toMatchObject(MISMATCH);
  });

  test('a delegate sends a challenge and no verifier', async () => {
    expect((await derived(other, root.token, {})).body).toMatchObject(MISSING);
    const own = pkce();
    const child = await derived(other, root.token, own.parameters);
    expect(child.status).toBe(200);
    const below = await derived(other, child.body.access_token, { code_verifier: own.verifier });
    expect(below.status).toBe(200);
    const stolen = await derived(other, child.body.access_token, { code_verifier: root.verifier });
    expect(stolen.body).toMatchObject(MISMATCH);
  });
});

describe('[R7] going on with a task', () => {
  test('refreshing takes the verifier of the task', async () => {
    const task = await open(server, agent);
    const refresh = (form: Form) =>
      requestToken(server, agent, {
        grant_type: 'refresh_token',
        refresh_token: task.body.refresh_token,
        ...form,
      });
    expect((await refresh({})).body).toMatchObject(MISMATCH);
    expect((await refresh({ code_verifier: pkce().verifier })).body).toMatchObject(MISMATCH);
    expect((await refresh({ code_verifier: task.verifier })).status).toBe(200);
  });

  test.each(['complete', 'fail'])('only the verifier of the task can %s it', async (how) => {
    const task = await open(server, agent);
    const end = (body: object) =>
      postJson(server, `/api/tasks/${task.taskId}/${how}`, body, bearer(task.token));
    expect((await end({})).status).toBe(403);
    expect((await end({ code_verifier: pkce().verifier })).status).toBe(403);
    expect((await end({ code_verifier: task.verifier })).status).toBe(200);
  });

  test('a child by the same client completes with the inherited verifier, not with a stolen token', async () => {
    const child = await derive(server, root);
    const end = (body: object) =>
      postJson(server, `/api/tasks/${child.taskId}/complete`, body, bearer(child.token));
    expect((await end({})).status).toBe(403);
    expect((await end({ code_verifier: root.verifier })).status).toBe(200);
  });

  test('revoking never takes a verifier: cutting off must always work', async () => {
    const task = await open(server, agent, { delegates: other.clientId });
    const below = await delegate(server, task, other);
    expect((await revoke(server, other, below.token)).body.revoked).toBe(true);
    expect((await revoke(server, agent, task.token)).body.revoked).toBe(true);
    const third = await open(server, agent);
    const answer = await postJson(server, `/api/tasks/${third.taskId}/revoke`, {}, bearer(third.token));
    expect(answer.status).toBe(200);
  });

  test('[R7] [R8] handing off takes the verifier of the task', async () => {
    const form = { delegate_to: other.clientId };
    expect((await tokenExchange(server, agent, root.token, form)).body).toMatchObject(MISMATCH);
    expect(await handOff(server, root, other)).toEqual(expect.any(String));
  });
});
