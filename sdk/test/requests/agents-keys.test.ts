import { createPublicKey } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { administer, type AgentParty, registerAgent } from '../../../test/support/parties.ts';
import { send } from '../../../test/support/requests.ts';
import { startServer, type TestServer } from '../../../test/support/server.ts';
import { open } from '../../../test/support/token-requests.ts';
import { keysOfAgents, signRequest, verifyRequest } from '../../src/requests/index.ts';
import { AGENT_URL, outcome, pair, receiver, wire } from './parties.ts';

const keys = pair();
const jwk = { ...createPublicKey(keys.publicKey).export({ format: 'jwk' }), kid: 'k1', key_ops: ['verify'] };
let server: TestServer;
let planner: AgentParty;

beforeAll(async () => {
  server = await startServer();
  planner = await registerAgent(server, { jwks: { keys: [jwk] } });
});
afterAll(() => server.stop());

const shown = (id: string) => send(server, `/api/agents/${encodeURIComponent(id)}/jwks`);

describe('keys that agents registered at the server', () => {
  test('are shown to everybody, without anything that is not public', async () => {
    const { status, body } = await shown(planner.clientId);
    const { key_ops: _operations, ...expected } = jwk;
    expect({ status, body }).toEqual({ status: 200, body: { keys: [expected] } });
  });

  test('are none for an agent without keys, one that does not exist, and the administration', async () => {
    const keyless = await registerAgent(server);
    for (const id of [keyless.clientId, 'agt_nobody', 'taskgrant-admin']) {
      expect(await shown(id)).toMatchObject({ status: 200, body: { keys: [] } });
    }
  });

  test('open the services that accept the agent, for as long as it may act', async () => {
    let monotonic = 1_000_000;
    const source = keysOfAgents(server.issuer, [planner.clientId], { monotonic: () => monotonic });
    const own = receiver(source, { now: Date.now });
    const { token } = await open(server, planner);
    const asked = async () => {
      const request = new Request(`${AGENT_URL}/ask`, { headers: { authorization: `Bearer ${token}` } });
      return wire(
        await signRequest(request, { issuer: planner.clientId, privateKey: keys.privateKey, keyId: 'k1' }),
      );
    };
    expect(await verifyRequest(await asked(), own)).toMatchObject({
      issuer: planner.clientId,
      taskToken: token,
    });
    await administer(server, 'POST', `/api/agents/${planner.clientId}/suspend`, {});
    expect(await shown(planner.clientId)).toMatchObject({ body: { keys: [] } });
    monotonic += 600_001;
    expect(await outcome(verifyRequest(await asked(), own))).toBe('key_unknown');
  });
});
