import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type BrowserSession, browserOf } from '../support/browser-session.ts';
import { authorize, CALLBACK, redeemCode } from '../support/code-flow.ts';
import {
  administer,
  type AgentParty,
  createPerson,
  type PersonParty,
  pkce,
  registerAgent,
  registerResourceServer,
  type ResourceServerParty,
} from '../support/parties.ts';
import { type Form, postForm } from '../support/requests.ts';
import { startServer, type TestServer } from '../support/server.ts';
import {
  DEAD,
  introspect,
  liveness,
  open,
  type OpenTask,
  revoke,
  TOKEN_EXCHANGE,
} from '../support/token-requests.ts';

/** R9: a person approves a further agent for part of a task that they delegated before. */
let server: TestServer;
let planner: AgentParty;
let booker: AgentParty;
let person: PersonParty;
let browser: BrowserSession;
let api: ResourceServerParty;
let parent: OpenTask;

const GRANTS = ['authorization_code', 'refresh_token', 'client_credentials', TOKEN_EXCHANGE];

beforeAll(async () => {
  server = await startServer();
  const over = { redirect_uris: [CALLBACK], grant_types: GRANTS };
  planner = await registerAgent(server, { agent_name: 'Planner', ...over });
  booker = await registerAgent(server, { agent_name: 'Booker', ...over });
  person = await createPerson(server);
  browser = browserOf(server, person);
  api = await registerResourceServer(server);
  parent = await authorize(server, {
    agent: planner,
    browser,
    form: { scope: 'reports:read reports:write', resource: api.audience, delegates: booker.clientId },
  });
});
afterAll(() => server.stop());

function push(agent: AgentParty, form: Form) {
  const proof = pkce();
  const request = {
    response_type: 'code',
    client_id: agent.clientId,
    redirect_uri: CALLBACK,
    ...proof.parameters,
  };
  const pushed = postForm(server, '/api/oauth/par', { ...request, ...form }, agent.headers);
  return { pushed, verifier: proof.verifier };
}

/** Pushes, lets the person decide, redeems. */
async function approved(
  agent: AgentParty,
  form: Form,
  beforeRedemption: () => Promise<unknown> = async () => {},
) {
  const { pushed, verifier } = push(agent, form);
  const { status, body } = await pushed;
  if (status !== 201) throw new Error(JSON.stringify(body));
  const query = new URLSearchParams({ client_id: agent.clientId, request_uri: body.request_uri });
  const back = await browser.allow(`/api/oauth/authorize?${query.toString()}`);
  const code = back.searchParams.get('code') ?? '';
  await beforeRedemption();
  return (await redeemCode(server, agent, { code, verifier, redirectUri: CALLBACK })).body;
}

describe('a task below another one of the same person', () => {
  test('is bounded by its parent and hangs on it', async () => {
    const child = await approved(booker, { parent_token: parent.token, scope: 'reports:read' });
    expect(child).toMatchObject({
      scope: 'reports:read',
      parent_task_id: parent.taskId,
      parent_token_id: parent.tokenId,
      task: { root: parent.taskId, depth: 1 },
    });
    const seen = await introspect(server, planner, child.access_token);
    expect(seen).toMatchObject({
      sub: person.userId,
      act: { sub: booker.clientId, act: { sub: planner.clientId } },
    });
  });

  test('[R11] gets no right that the person has lost between approving and redeeming', async () => {
    const allow = (permissions: readonly string[]) => () =>
      administer(server, 'PUT', `/api/admin/users/${person.userId}`, { permissions });
    const form = { parent_token: parent.token, scope: 'reports:read' };
    const refused = await approved(booker, form, allow(['reports:write']));
    await allow(['reports:read', 'reports:write', 'example:read'])();
    expect(refused).toMatchObject({ error: 'invalid_scope' });
    expect((await approved(booker, form)).scope).toBe('reports:read');
  });

  test('[R1] is for its parent’s resource when it names none', async () => {
    const child = await approved(booker, { parent_token: parent.token, scope: 'reports:read' });
    expect(child.task.audiences).toEqual([api.audience]);
  });

  test('[R7] the same client proves at PAR that it is the parent’s process', async () => {
    const form = { parent_token: parent.token, scope: 'reports:read' };
    const bare = await push(planner, form).pushed;
    expect(bare.body).toMatchObject({ error: 'invalid_request', task_error: 'verifier_mismatch' });
    const wrong = await push(planner, { ...form, code_verifier: pkce().verifier }).pushed;
    expect(wrong.body).toMatchObject({ error: 'invalid_request', task_error: 'verifier_mismatch' });
    const child = await approved(planner, { ...form, code_verifier: parent.verifier });
    expect(child.parent_task_id).toBe(parent.taskId);
  });

  test.each([
    ['wider', { scope: 'reports:read example:read' }, 'invalid_scope', 'not_subset'],
    ['for another resource', { resource: 'default' }, 'invalid_target', 'not_subset'],
    ['for another parent task', { parent_task_id: 'another' }, 'invalid_request', 'parent_mismatch'],
    ['of nothing', { parent_token: 'nothing' }, 'invalid_request', 'parent_invalid'],
  ])('[R11] is refused at PAR when it is %s', async (_what, form, error, reason) => {
    const resource = 'resource' in form ? { resource: server.defaultAudience } : {};
    const asked = { parent_token: parent.token, scope: 'reports:read', ...form, ...resource } as Form;
    const { status, body } = await push(booker, asked).pushed;
    expect({ status, ...body }).toMatchObject({ status: 400, error, task_error: reason });
  });

  test('[R9] is refused below a task that acts for no person', async () => {
    const own = await open(server, planner, { delegates: booker.clientId });
    const { body } = await push(booker, { parent_token: own.token, scope: 'reports:read' }).pushed;
    expect(body).toMatchObject({ error: 'invalid_request', task_error: 'subject_mismatch' });
  });

  test('[S25] ends with its parent', async () => {
    const body = await approved(booker, { parent_token: parent.token, scope: 'reports:read' });
    await revoke(server, planner, parent.token);
    const child = {
      agent: booker,
      verifier: '',
      token: body.access_token,
      tokenId: body.token_id,
      taskId: body.task_id,
      body,
    };
    expect(await liveness(server, child)).toEqual(DEAD);
    const late = await push(booker, { parent_token: parent.token, scope: 'reports:read' }).pushed;
    expect(late.body).toMatchObject({ error: 'invalid_request', task_error: 'parent_revoked' });
  });
});
