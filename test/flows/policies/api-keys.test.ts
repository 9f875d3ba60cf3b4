import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import {
  type AgentAuthParty,
  refreshWith,
  registerWithKey,
  verified,
  verify,
} from '../../support/agent-auth.ts';
import { type DecisionServer, startDecisionServer } from '../../support/decision-server.ts';
import { administer } from '../../support/parties.ts';
import { setPolicies } from '../../support/policies.ts';
import { startServer, type TestServer } from '../../support/server.ts';
import { auditEvents } from '../../support/token-requests.ts';

/** Policies hold at the doors that take API keys as at the token endpoint, in the words of the REST API. */
let server: TestServer;
let decisions: DecisionServer;
let party: AgentAuthParty;

beforeAll(async () => {
  [server, decisions] = await Promise.all([startServer(), startDecisionServer()]);
  party = await registerWithKey(server);
});
afterEach(() => setPolicies(server, []));
afterAll(async () => {
  await server.stop();
  await decisions.stop();
});

const RULE = { name: 'house-rule', reason: 'as the house says' };

describe('a policy', () => {
  test('refuses at /agents/verify and /agents/refresh, and says which it is and nothing of the others', async () => {
    const { refreshToken } = await verified(server, party);
    setPolicies(server, [
      { kind: 'max_depth', name: 'shallow', reason: 'a secret of the house', maxDepth: 3 },
      { ...RULE, kind: 'allowed_resources', effect: 'deny', audiences: ['**'] },
    ]);
    const refused = await verify(server, party);
    expect([refused.status, refused.body.code, refused.body.detail]).toEqual([
      403,
      'policy_denied',
      'the policy house-rule refuses this: as the house says',
    ]);
    expect(refused.text).not.toContain('a secret of the house');
    expect((await refreshWith(server, refreshToken)).body.code).toBe('policy_denied');
    const [event] = await auditEvents(server, { client_id: party.agentId, event_type: 'token_refused' });
    expect(event).toMatchObject({ reason: 'policy_denied', details: { policy: [{ effect: 'deny' }] } });
    setPolicies(server, []);
    expect((await refreshWith(server, refreshToken)).status).toBe(200);
  });

  test('bounds what is issued, which can be explained', async () => {
    setPolicies(server, [{ ...RULE, kind: 'max_lifetime', seconds: 60 }]);
    const { tokenId } = await verified(server, party);
    const told = await administer(server, 'GET', `/api/admin/explain/${tokenId}`);
    expect(told).toMatchObject({
      is_live: true,
      subject: { kind: 'agent', id: party.agentId },
      steps: [
        {
          origin: 'api_key',
          api_key: { key_id: expect.stringMatching(/^key_/), name: 'first key' },
          policy: { opened: [{ name: 'house-rule', effect: 'bound', max_lifetime: 60 }] },
        },
      ],
      no_longer_known: [],
    });
    expect(Date.parse(told.expires_at)).toBeLessThanOrEqual(server.clock.now() + 60_000);
  });

  test('that cannot be decided is 503 with Retry-After, and on record', async () => {
    setPolicies(server, [
      { ...RULE, kind: 'decision_point', url: decisions.url, path: 'agents', timeoutMs: 250 },
    ]);
    decisions.does((_asked, response) => response.destroy());
    const answer = await verify(server, party);
    expect([answer.status, answer.body.code, answer.headers.get('retry-after')]).toEqual([
      503,
      'policy_unavailable',
      '2',
    ]);
    const [event] = await auditEvents(server, { client_id: party.agentId, event_type: 'token_refused' });
    expect(event).toMatchObject({
      reason: 'policy_unavailable',
      details: { policy: [{ name: 'house-rule', effect: 'deny' }], status: 503 },
    });
    decisions.says(true);
    expect((await verify(server, party)).status).toBe(200);
  });
});
