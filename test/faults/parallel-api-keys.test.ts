import { beforeAll, expect, test } from '@jest/globals';
import {
  type AgentAuthParty,
  refreshWith,
  registerWithKey,
  verified,
  verify,
} from '../support/agent-auth.ts';
import { administer, asAdmin } from '../support/parties.ts';
import type { TestServer } from '../support/server.ts';
import { ADMIN, introspect } from '../support/token-requests.ts';
import { atOnce, onEveryDatabase, RIVALS, tally, winner } from './nodes.ts';

onEveryDatabase('API keys that many use at once', (nodes) => {
  let server: TestServer;
  beforeAll(() => {
    server = nodes().front;
  });

  const keysOf = ({ agentId }: AgentAuthParty) => `/api/agents/${agentId}/api-keys`;
  const lastKeyOf = async (party: AgentAuthParty) =>
    (await administer(server, 'GET', keysOf(party))).api_keys[0];

  test('open a task each', async () => {
    const party = await registerWithKey(server);
    const answers = await atOnce(() => verify(server, party));
    expect(tally(answers)).toEqual({ 200: answers.length });
    expect(new Set(answers.map(({ body }) => body.token.task_id)).size).toBe(answers.length);
    expect((await lastKeyOf(party)).last_used_at).not.toBeNull();
  });

  test('that are revoked meanwhile leave nothing alive, whichever node was asked', async () => {
    for (let round = 0; round < 3; round += 1) {
      const party = await registerWithKey(server);
      const { key_id: keyId } = await lastKeyOf(party);
      const revoking = asAdmin(server, 'DELETE', `${keysOf(party)}/${keyId}`);
      const answers = await atOnce(() => verify(server, party), 32);
      expect((await revoking).status).toBe(200);
      const late = await verify(server, party);
      expect(late.status).toBe(401);
      const opened = answers.filter(({ status }) => status === 200);
      const states = await Promise.all(
        opened.map(({ body }) => introspect(server, ADMIN, body.token.access_token)),
      );
      expect(states).toEqual(opened.map(() => ({ active: false })));
      for (const { status, body } of answers) {
        // Unknown at the look-up, or ended between the look-up and the commit.
        if (status !== 200) expect(['api_key_invalid', 'grant_revoked']).toContain(body.code);
      }
    }
  });

  test('get one successor, however many rotate them', async () => {
    const party = await registerWithKey(server);
    const { key_id: keyId } = await lastKeyOf(party);
    const answers = await atOnce(() => asAdmin(server, 'POST', `${keysOf(party)}/${keyId}/rotate`, {}), 16);
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 409)).toHaveLength(15);
    const { api_keys } = await administer(server, 'GET', keysOf(party));
    expect(api_keys).toHaveLength(2);
    const { body } = winner(answers);
    expect((await verify(server, { ...party, apiKey: body.api_key })).status).toBe(200);
  });

  test('are as many as an agent may have, and no more', async () => {
    const party = await registerWithKey(server);
    const made = await atOnce((rival) => asAdmin(server, 'POST', keysOf(party), { name: `key ${rival}` }));
    expect(tally(made)).toEqual({ 201: 19, 409: RIVALS - 19 });
    const { api_keys } = await administer(server, 'GET', `${keysOf(party)}?limit=100`);
    expect(api_keys).toHaveLength(20);
    // A successor that works beside the one before is one more; one that takes its place at once is not.
    const rotating = (immediate: boolean) =>
      asAdmin(server, 'POST', `${keysOf(party)}/${api_keys[0].key_id}/rotate`, { immediate });
    expect((await rotating(false)).status).toBe(409);
    expect((await rotating(true)).status).toBe(200);
  });

  test('give out refresh tokens that work once: of many who use one nobody keeps anything', async () => {
    const party = await registerWithKey(server);
    const { refreshToken } = await verified(server, party);
    const answers = await atOnce(() => refreshWith(server, refreshToken), 32);
    const lucky = answers.filter(({ status }) => status === 200);
    expect(lucky.length).toBeLessThanOrEqual(1);
    for (const { body } of lucky) {
      expect(await introspect(server, ADMIN, body.token.access_token)).toEqual({ active: false });
    }
  });

  test('know at one node what was changed at the other: fewer rights, then a suspension', async () => {
    const party = await registerWithKey(server, { permissions: ['example:read', 'reports:write'] });
    const wide = { scope: 'reports:write' };
    for (const node of nodes().each) expect((await verify(node, party, wide)).status).toBe(200);
    const [first] = nodes().each;
    await administer(first!, 'PUT', `/agents/${party.agentId}/permissions`, {
      permissions: ['example:read'],
    });
    for (const node of nodes().each) {
      expect((await verify(node, party, wide)).body.code).toBe('scope_exceeds_ceiling');
      expect((await verify(node, party)).body.token.scope).toBe('example:read');
    }
    await administer(first!, 'POST', `/api/agents/${party.agentId}/suspend`, {});
    for (const node of nodes().each) {
      expect((await verify(node, party)).body.code).toBe('agent_not_active');
    }
  });
});
