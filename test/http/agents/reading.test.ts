import { describe, expect, test } from '@jest/globals';
import { registeredAgent } from '../../support/registered-agent.ts';
import { agentsScene } from './scene.ts';

const { on, anAgentWithToken } = agentsScene();

describe('reading agents', () => {
  test('an agent sees itself and nobody else', async () => {
    const { agent, token } = await anAgentWithToken();
    const { agent: other } = await anAgentWithToken();
    for (const path of ['/api/agents/me', `/api/agents/${agent.clientId}`]) {
      const answer = await on.api.send('get', path, { token });
      expect([answer.status, answer.body.client_id]).toEqual([200, agent.clientId]);
    }
    for (const clientId of [other.clientId, 'agt_nobody', 'taskgrant-admin', 'rs_example']) {
      const answer = await on.api.send('get', `/api/agents/${clientId}`, { token });
      expect([answer.status, answer.body.detail]).toEqual([404, 'there is no such agent']);
    }
    expect((await on.api.send('get', `/api/agents/${other.clientId}/tools`, { token })).status).toBe(404);
    expect((await on.api.send('get', '/api/agents/list', { token })).status).toBe(401);
  });

  test('an administrator sees all, page by page', async () => {
    const { agent } = await anAgentWithToken();
    const token = await on.api.adminToken('admin:read');
    expect((await on.api.send('get', `/api/agents/${agent.clientId}`, { token })).status).toBe(200);
    const first = await on.api.send('get', '/api/agents/list?limit=1', { token });
    expect(first.body.agents).toHaveLength(1);
    const next = await on.api.send('get', `/api/agents/list?limit=1&cursor=${first.body.next_cursor}`, {
      token,
    });
    expect(next.body.agents[0].client_id).not.toBe(first.body.agents[0].client_id);
  });

  test('the list filters by state and name', async () => {
    await registeredAgent(on.api.context, { name: 'A very special name' });
    const named = await on.api.send('get', '/api/agents/list?name=SPECIAL&state=active', {
      token: on.admin,
    });
    expect(named.body.agents.map((row: { agent_name: string }) => row.agent_name)).toEqual([
      'A very special name',
    ]);
    const none = await on.api.send('get', '/api/agents/list?name=SPECIAL&state=suspended', {
      token: on.admin,
    });
    expect(none.body.agents).toEqual([]);
    expect((await on.api.send('get', '/api/agents/list?state=sleeping', { token: on.admin })).status).toBe(
      400,
    );
  });

  test('nobody sees anything without a token', async () => {
    const { agent } = await registeredAgent(on.api.context);
    for (const path of ['/api/agents/list', '/api/agents/me', `/api/agents/${agent.clientId}`]) {
      expect((await on.api.send('get', path)).status).toBe(401);
    }
  });
});
