import { beforeAll, expect, test } from '@jest/globals';
import { type AgentParty, administer, pkce, registerAgent } from '../support/parties.ts';
import { postJson, send } from '../support/requests.ts';
import type { TestServer } from '../support/server.ts';
import {
  auditEvents,
  clientCredentials,
  handOff,
  open,
  TOKEN_PATH,
  tokenExchange,
} from '../support/token-requests.ts';
import { atOnce, onEveryDatabase, RIVALS, tally, winner } from './nodes.ts';
import { assertingAgent, keyHolder } from './proofs.ts';

onEveryDatabase('what is good for one use, used by many at once', (nodes) => {
  let server: TestServer;
  let agent: AgentParty;
  let helper: AgentParty;
  beforeAll(async () => {
    server = nodes().front;
    agent = await registerAgent(server);
    helper = await registerAgent(server);
  });

  const tasksOf = async (clientId: string) => {
    const { items } = await server.taskgrant.store.tasks.search({ clientId, now: 0 }, { limit: 100 });
    return items.length;
  };

  test('[S35] a client assertion authenticates once', async () => {
    const { clientId, assertion, ask } = await assertingAgent(server);
    const jwt = await assertion();
    const answers = await atOnce(() => ask(server, jwt));
    expect(tally(answers)).toEqual({ 200: 1, '401 invalid_client': RIVALS - 1 });
    expect(await tasksOf(clientId)).toBe(1);
    expect((await ask(server, await assertion())).status).toBe(200);
  });

  test('[S31] a DPoP proof opens one task', async () => {
    const own = await registerAgent(server);
    const { proof, ask } = await keyHolder(server, own);
    const jwt = await proof('POST', TOKEN_PATH);
    const answers = await atOnce(() => ask(jwt));
    expect(tally(answers)).toEqual({ 200: 1, '400 invalid_dpop_proof': RIVALS - 1 });
    expect(await tasksOf(own.clientId)).toBe(1);
    expect((await ask(await proof('POST', TOKEN_PATH))).status).toBe(200);
  });

  test('[S31] a DPoP proof is good for one request to the API', async () => {
    const { proof, ask } = await keyHolder(server, agent);
    const { body } = await ask(await proof('POST', TOKEN_PATH));
    const path = `/api/tasks/${body.task_id}`;
    const dpop = await proof('GET', path, { token: body.access_token });
    const headers = { authorization: `DPoP ${body.access_token}`, dpop };
    const answers = await atOnce(() => send(server, path, { headers }));
    expect(tally(answers)).toEqual({ 200: 1, 401: RIVALS - 1 });
  });

  test('a registration token activates its agent once', async () => {
    const { credentials } = await administer(server, 'POST', '/api/agents/register', {
      agent_name: 'One of many',
    });
    const body = { registration_token: credentials.registration_token };
    const answers = await atOnce(() => postJson(server, '/api/agents/activate', body));
    expect(tally(answers)).toEqual({ 200: 1, 409: RIVALS - 1 });
    expect(winner(answers).body.agent.client_id).toBe(credentials.client_id);
    const query = { event_type: 'agent_activated', client_id: credentials.client_id };
    expect(await auditEvents(server, query)).toHaveLength(1);
  });

  test('[R8] a hand-off token leads to one task', async () => {
    const parent = await open(server, agent, { delegates: helper.clientId });
    const token = await handOff(server, parent, helper);
    const answers = await atOnce(() => tokenExchange(server, helper, token, pkce().parameters));
    expect(tally(answers)).toEqual({ 200: 1, '400 invalid_request': RIVALS - 1 });
    expect(tally(answers, 'task_error')['400 parent_revoked']).toBe(RIVALS - 1);
    const row = await server.taskgrant.store.tasks.byTaskId(parent.taskId);
    expect(row?.childCount).toBe(1);
  });

  test('[R3] a task_id is taken by one of many agents', async () => {
    const agents = [agent, helper];
    const form = { task_id: 'wanted-by-many' };
    const answers = await atOnce((rival) =>
      clientCredentials(server, agents[rival % 2] as AgentParty, { ...form, ...pkce().parameters }),
    );
    // Whoever owns it by then asks to join, which takes the verifier and no challenge (R7).
    const {
      200: opened,
      '400 task_id_taken': taken = 0,
      '400 challenge_refused': late = 0,
      ...others
    } = tally(answers, 'task_error');
    expect([opened, taken + late, others]).toEqual([1, RIVALS - 1, {}]);
    const owner = answers.indexOf(winner(answers)) % 2;
    const strangers = answers.filter((_, rival) => rival % 2 !== owner);
    expect(tally(strangers, 'task_error')).toEqual({ '400 task_id_taken': RIVALS / 2 });
    const issued = await auditEvents(server, { event_type: 'task_opened', task_id: form.task_id });
    expect(issued).toHaveLength(1);
  });

  test('[R3] [R7] its owner who knows the verifier joins the task, which stays one', async () => {
    const proof = pkce();
    const form = { task_id: 'shared-by-its-owner' };
    const begin = () => clientCredentials(server, agent, { ...form, ...proof.parameters });
    const {
      200: opened,
      '400 task_id_taken': overtaken = 0,
      // Whoever came when it was there already asks to join, which takes the verifier and no challenge (R7).
      '400 challenge_refused': late = 0,
      ...others
    } = tally(await atOnce(begin), 'task_error');
    expect([opened, overtaken + late, others]).toEqual([1, RIVALS - 1, {}]);
    const join = () => clientCredentials(server, agent, { ...form, code_verifier: proof.verifier });
    expect(tally(await atOnce(join))).toEqual({ 200: RIVALS });
    const guess = () => clientCredentials(server, agent, { ...form, code_verifier: pkce().verifier });
    expect(tally(await atOnce(guess), 'task_error')).toEqual({ '400 verifier_mismatch': RIVALS });
    expect(await auditEvents(server, { event_type: 'task_opened', task_id: form.task_id })).toHaveLength(1);
  });
});
