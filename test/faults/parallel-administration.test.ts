import { beforeAll, expect, test } from '@jest/globals';
import { administer, type AgentParty, asAdmin, pkce, registerAgent } from '../support/parties.ts';
import { basic } from '../support/requests.ts';
import type { TestServer } from '../support/server.ts';
import { auditEvents, clientCredentials, open } from '../support/token-requests.ts';
import { atOnce, onEveryDatabase, RIVALS, tally, winner } from './nodes.ts';

onEveryDatabase('administrators who all do the same at once', (nodes) => {
  let server: TestServer;
  let agent: AgentParty;
  beforeAll(async () => {
    server = nodes().front;
    agent = await registerAgent(server);
  });

  test('end a task in one way', async () => {
    const { taskId } = await open(server, agent);
    const ways = ['complete', 'fail', 'revoke'];
    const answers = await atOnce((rival) =>
      asAdmin(server, 'POST', `/api/tasks/${taskId}/${ways[rival % 3]}`, {}),
    );
    const row = await administer(server, 'GET', `/api/tasks/${taskId}`);
    expect(['completed', 'failed', 'revoked']).toContain(row.state);
    // Revoking works at any time; of all that complete or fail the task one succeeds, unless it was revoked first.
    const ended = answers.filter(({ status }, rival) => status === 200 && ways[rival % 3] !== 'revoke');
    expect(ended.map(({ body }) => body.state)).toEqual(row.state === 'revoked' ? [] : [row.state]);
    const revoking = answers.filter((_, rival) => ways[rival % 3] === 'revoke');
    expect(tally(revoking)).toEqual({ 200: revoking.length });
    expect(tally(answers)).toEqual({
      200: revoking.length + ended.length,
      409: RIVALS - revoking.length - ended.length,
    });
    const types = (await auditEvents(server, { task_id: taskId, limit: '100' })).map(
      (event: { event_type: string; status: string }) => `${event.event_type} ${event.status}`,
    );
    const finished = types.filter((type: string) => /^task_(completed|failed) success$/.test(type));
    expect(finished).toHaveLength(ended.length);
  });

  test('rotate a secret at once: the last one works, and no other', async () => {
    const rotated = await atOnce(() =>
      asAdmin(server, 'POST', `/api/agents/${agent.clientId}/rotate-secret`, { immediate: true }),
    );
    expect(tally(rotated)).toEqual({ 200: RIVALS });
    const tried = await Promise.all(
      rotated.map(({ body }) => {
        const headers = basic(agent.clientId, body.client_secret);
        return clientCredentials(server, { ...agent, headers }, pkce().parameters);
      }),
    );
    expect(tally(tried)).toEqual({ 200: 1, '401 invalid_client': RIVALS - 1 });
  });

  test('create one account for an e-mail address', async () => {
    const person = { email: 'twins@example.com', name: 'Ada Example', password: 'a password of some length' };
    const answers = await atOnce(() => asAdmin(server, 'POST', '/api/admin/users', person), 16);
    expect(tally(answers)).toEqual({ 201: 1, 409: 15 });
    const { users } = await administer(server, 'GET', '/api/admin/users');
    expect(users.filter((user: { email: string }) => user.email === person.email)).toHaveLength(1);
  });

  test('give an audience to one resource server, however it is written', async () => {
    const spellings = ['https://wanted.example.com', 'https://wanted.example.com/'];
    const answers = await atOnce((rival) =>
      asAdmin(server, 'POST', '/api/admin/resource-servers', {
        name: `API ${rival}`,
        audiences: [spellings[rival % 2], `https://own-${rival}.example.com/`],
      }),
    );
    expect(tally(answers)).toEqual({ 201: 1, 409: RIVALS - 1 });
    const { resource_servers: rows } = await administer(server, 'GET', '/api/admin/resource-servers');
    const owners = rows.filter((row: { audiences: string[] }) =>
      row.audiences.some((audience) => spellings.includes(audience)),
    );
    expect(owners).toEqual([winner(answers).body.resource_server]);
    // What else the losers asked for was not given to them either.
    const taken = rows.flatMap((row: { audiences: string[] }) => row.audiences);
    expect(taken.filter((audience: string) => audience.startsWith('https://own-'))).toHaveLength(1);
  });

  test('register agents: each is one of its own', async () => {
    const answers = await atOnce(() =>
      asAdmin(server, 'POST', '/api/agents/register', { agent_name: 'One of many' }),
    );
    expect(tally(answers)).toEqual({ 201: RIVALS });
    expect(new Set(answers.map(({ body }) => body.credentials.client_id)).size).toBe(RIVALS);
  });

  test('suspend an agent once', async () => {
    const own = await registerAgent(server);
    const path = `/api/agents/${own.clientId}/suspend`;
    const answers = await atOnce(() => asAdmin(server, 'POST', path, {}));
    expect(tally(answers)).toEqual({ 200: 1, 409: RIVALS - 1 });
    const query = { event_type: 'agent_suspended', client_id: own.clientId };
    expect(await auditEvents(server, query)).toHaveLength(1);
  });

  test('assign a role: everyone is told that it is held, and it was assigned once', async () => {
    const own = await registerAgent(server);
    const role = { name: 'reader', description: 'Reads', permissions: ['reports:read'] };
    await administer(server, 'POST', '/api/admin/roles', role);
    const path = `/api/admin/roles/reader/agents/${own.clientId}`;
    const answers = await atOnce(() => asAdmin(server, 'PUT', path));
    expect(tally(answers)).toEqual({ 200: RIVALS });
    for (const { body } of answers) expect(body.roles).toEqual(['reader']);
    const query = { event_type: 'role_assigned', client_id: own.clientId };
    expect(await auditEvents(server, query)).toHaveLength(1);
  });

  test('let an agent, and a person, act again once', async () => {
    const own = await registerAgent(server);
    await administer(server, 'POST', `/api/agents/${own.clientId}/suspend`, {});
    const person = { email: 'often@example.com', name: 'Ada Example', password: 'a password of some length' };
    const { user_id } = await administer(server, 'POST', '/api/admin/users', person);
    await administer(server, 'POST', `/api/admin/users/${user_id}/disable`, {});
    for (const path of [`/api/agents/${own.clientId}/reactivate`, `/api/admin/users/${user_id}/enable`]) {
      const answers = await atOnce(() => asAdmin(server, 'POST', path, {}));
      expect(tally(answers)).toEqual({ 200: 1, 409: RIVALS - 1 });
    }
    expect(
      await auditEvents(server, { event_type: 'agent_reactivated', client_id: own.clientId }),
    ).toHaveLength(1);
    expect(await auditEvents(server, { event_type: 'user_enabled', user_id })).toHaveLength(1);
  });

  test('allow an agent many tools: none is lost without a word', async () => {
    const own = await registerAgent(server, { allowed_tools: [] });
    const path = `/api/agents/${own.clientId}/tools`;
    const answers = await atOnce((rival) => asAdmin(server, 'POST', path, { tool_id: `tool-${rival}` }), 16);
    const allowed = answers.flatMap(({ status }, rival) => (status < 300 ? [`tool-${rival}`] : []));
    expect(allowed.length).toBeGreaterThan(0);
    expect(allowed.length + (tally(answers)[409] ?? 0)).toBe(16);
    const { tools } = await administer(server, 'GET', path);
    expect(tools.map((tool: { tool_id: string }) => tool.tool_id).sort()).toEqual([...allowed].sort());
  });
});
