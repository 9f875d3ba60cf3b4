import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  type AgentParty,
  pkce,
  registerAgent,
  registerResourceServer,
  type ResourceServerParty,
} from '../support/parties.ts';
import { bearer, type Form, postForm, send } from '../support/requests.ts';
import { startServer, type TestServer } from '../support/server.ts';
import {
  ALIVE,
  clientCredentials,
  DEAD,
  handOff,
  introspect,
  liveness,
  open,
  type OpenTask,
  redeem,
  revoke,
  tokenExchange,
} from '../support/token-requests.ts';

let server: TestServer;
let orchestrator: AgentParty;
let helper: AgentParty;
let stranger: AgentParty;
let api: ResourceServerParty;
let root: OpenTask;

beforeAll(async () => {
  server = await startServer();
  orchestrator = await registerAgent(server);
  helper = await registerAgent(server);
  stranger = await registerAgent(server);
  api = await registerResourceServer(server);
  root = await open(server, orchestrator, { resource: api.audience, delegates: helper.clientId });
});
afterAll(() => server.stop());

function use(by: AgentParty, token: string, form: Form = {}) {
  return tokenExchange(server, by, token, { ...pkce().parameters, ...form });
}

describe('[R8] a hand-off token', () => {
  test('is narrowed, short, for this server alone and tied to no task of its own', async () => {
    const { body } = await tokenExchange(server, orchestrator, root.token, {
      code_verifier: root.verifier,
      delegate_to: helper.clientId,
      scope: 'reports:read',
      required_tools: 'search',
    });
    expect(body).toMatchObject({ scope: 'reports:read', granted_tools: ['search'], task_id: root.taskId });
    expect(body.expires_in).toBeLessThanOrEqual(120);
    const claims = JSON.parse(Buffer.from(body.access_token.split('.')[1], 'base64url').toString());
    expect(claims.aud).toBe(server.issuer);
    const child = await redeem(server, helper, body.access_token);
    expect(child.body).toMatchObject({
      scope: 'reports:read',
      granted_tools: ['search'],
      parent_task_id: root.taskId,
      parent_token_id: root.tokenId,
      task: { audiences: [api.audience] },
    });
  });

  test('is inactive at resource servers, and no API takes it', async () => {
    const token = await handOff(server, root, helper);
    expect(await introspect(server, api, token)).toEqual({ active: false });
    for (const path of ['/api/oauth/protected', '/api/oauth/userinfo', `/api/tasks/${root.taskId}`]) {
      const answer = await send(server, path, { headers: { ...bearer(token), 'x-task-id': root.taskId } });
      expect({ path, status: answer.status }).toEqual({ path, status: 401 });
    }
  });

  test('works once', async () => {
    const token = await handOff(server, root, helper);
    expect((await use(helper, token)).status).toBe(200);
    expect((await use(helper, token)).body).toMatchObject({
      error: 'invalid_request',
      task_error: 'parent_revoked',
    });
  });

  test('works once when it is presented many times at once', async () => {
    const token = await handOff(server, root, helper);
    const answers = await Promise.all([1, 2, 3, 4, 5].map(() => use(helper, token)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    for (const { status } of answers) expect([200, 400]).toContain(status);
  });

  test('is of use to nobody but the agent it names', async () => {
    const token = await handOff(server, root, helper);
    for (const thief of [stranger, orchestrator]) {
      const { body } = await use(thief, token, { code_verifier: root.verifier });
      expect(body).toMatchObject({ error: 'invalid_request', task_error: 'actor_not_permitted' });
    }
    expect((await use(helper, token)).status).toBe(200);
  });

  test('can be redeemed by client_credentials as well', async () => {
    const token = await handOff(server, root, helper);
    const { status, body } = await clientCredentials(server, helper, {
      parent_token: token,
      ...pkce().parameters,
    });
    expect({ status, parent: body.parent_task_id }).toEqual({ status: 200, parent: root.taskId });
  });

  test('does not widen on the way: the child asks for more than it and is refused', async () => {
    const token = await handOff(server, root, helper, { scope: 'reports:read' });
    const { body } = await use(helper, token, { scope: 'reports:read reports:write' });
    expect(body).toMatchObject({ error: 'invalid_scope', task_error: 'not_subset' });
  });

  test('cannot be handed on', async () => {
    const token = await handOff(server, root, helper);
    const { body } = await use(helper, token, { delegate_to: stranger.clientId });
    expect(body).toMatchObject({ error: 'invalid_request', task_error: 'actor_not_permitted' });
  });

  test('carries no terms: the delegate sets those of its own task', async () => {
    for (const term of [{ max_depth: '1' }, { task_expires_in: '60' }, { task_id: 'theirs' }]) {
      const form = { code_verifier: root.verifier, delegate_to: helper.clientId, ...term };
      const { status, body } = await tokenExchange(server, orchestrator, root.token, form);
      expect({ status, error: body.error }).toEqual({ status: 400, error: 'invalid_request' });
    }
  });

  test('is made only for a delegate of the task', async () => {
    const form = { code_verifier: root.verifier, delegate_to: stranger.clientId };
    const { body } = await tokenExchange(server, orchestrator, root.token, form);
    expect(body).toMatchObject({ error: 'invalid_request', task_error: 'actor_not_permitted' });
  });

  test('expires', async () => {
    const token = await handOff(server, root, helper);
    server.clock.advance(121);
    expect((await use(helper, token)).body).toMatchObject({
      error: 'invalid_request',
      task_error: 'parent_expired',
    });
  });

  test('dies with the token it was made from', async () => {
    const task = await open(server, orchestrator, { delegates: helper.clientId });
    const unused = await handOff(server, task, helper);
    const used = await redeem(server, helper, await handOff(server, task, helper));
    expect(await liveness(server, used)).toEqual(ALIVE);
    await revoke(server, orchestrator, task.token);
    expect((await use(helper, unused)).body).toMatchObject({ task_error: 'parent_revoked' });
    expect(await liveness(server, used)).toEqual(DEAD);
  });

  test('revoking a used one ends the task that was derived with it, and no other', async () => {
    const task = await open(server, orchestrator, { delegates: helper.clientId });
    const voucher = await handOff(server, task, helper);
    const child = await redeem(server, helper, voucher);
    const { body } = await revoke(server, orchestrator, voucher);
    expect(body).toMatchObject({ revoked: true, affected_child_tokens: 1 });
    expect(await liveness(server, child)).toEqual(DEAD);
    expect(await liveness(server, task)).toEqual(ALIVE);
  });

  test('the raw token of the parent works for a named delegate too, for compatibility', async () => {
    const { status, body } = await use(helper, root.token);
    expect({ status, via: body.parent_token_id }).toEqual({ status: 200, via: root.tokenId });
  });

  test('[R6] an actor_token must be the client’s own live token, and leaving it out removes no check', async () => {
    const own = await open(server, helper);
    const type = 'urn:ietf:params:oauth:token-type:access_token';
    const withActor = async (actor: string) =>
      use(helper, await handOff(server, root, helper), { actor_token: actor, actor_token_type: type });
    expect((await withActor(own.token)).status).toBe(200);
    expect((await withActor(root.token)).body).toMatchObject({ task_error: 'actor_not_permitted' });
    expect((await withActor('nonsense')).body).toMatchObject({ task_error: 'actor_not_permitted' });
    const alone = await use(helper, await handOff(server, root, helper), { actor_token_type: type });
    expect(alone.body).toMatchObject({ error: 'invalid_request' });
  });

  test('verification says that it is no token for an API', async () => {
    const token = await handOff(server, root, helper);
    const { body } = await postForm(server, '/api/oauth/verify', { token }, api.headers);
    expect(body).toMatchObject({ is_valid: false });
  });
});
