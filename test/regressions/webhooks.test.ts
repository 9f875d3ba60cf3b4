import { createHmac } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { administer, type AgentParty, asAdmin, registerAgent } from '../support/parties.ts';
import { postJson } from '../support/requests.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { type Received, type Receiver, startReceiver } from '../support/webhook-receiver.ts';

let server: TestServer;
let receiver: Receiver;
let agent: AgentParty;
beforeAll(async () => {
  server = await startServer({
    settings: {
      webhooks: { allowHttp: true, allowedNetworks: ['127.0.0.1/32'], ports: 'any', retryPauses: [1, 1, 1] },
    },
  });
  agent = await registerAgent(server);
});
afterAll(() => server.stop());
beforeEach(async () => {
  receiver = await startReceiver();
});
afterEach(() => receiver.close());

async function hooked(events: readonly string[]) {
  const { webhook, secret } = await administer(server, 'POST', '/webhooks', { url: receiver.url, events });
  return { id: webhook.id as string, secret: secret as string };
}

/** What changes about the agent and is told at once. */
const suspend = () => administer(server, 'POST', `/api/agents/${agent.clientId}/suspend`, {});
const reactivate = () => administer(server, 'POST', `/api/agents/${agent.clientId}/reactivate`, {});

/** Cause (AgentAuth): webhooks were registered and listed, but nothing ever sent them anything. */
test('webhooks were never delivered: each registered event arrives', async () => {
  const { id } = await hooked(['agent.registered', 'agent.revoked']);
  const { credentials } = await administer(server, 'POST', '/api/agents/register', {
    agent_name: 'Newcomer',
  });
  await administer(server, 'DELETE', `/api/agents/${credentials.client_id}`);
  const [first, second] = await receiver.until(2);
  expect([first?.headers['x-agentauth-event'], second?.headers['x-agentauth-event']]).toEqual([
    'agent.registered',
    'agent.revoked',
  ]);
  expect(second?.body.data.agent_id).toBe(credentials.client_id);
  await administer(server, 'DELETE', `/webhooks/${id}`);
});

/** Cause (AgentAuth): any URL was taken, those of the server's own network and its cloud's metadata as well. */
test('webhooks led inside: neither a registration nor a change takes a private address', async () => {
  const { id } = await hooked(['agent.suspended']);
  const inside = [
    'http://169.254.169.254/latest/meta-data/',
    'http://10.0.0.7/',
    'http://192.168.1.1/admin',
    'http://127.0.0.2/',
    'http://[::1]/',
    'http://[::ffff:a00:1]/',
    'http://0.0.0.0/',
  ];
  for (const url of inside) {
    expect([url, (await asAdmin(server, 'POST', '/webhooks', { url, events: ['*'] })).status]).toEqual([
      url,
      400,
    ]);
    expect([url, (await asAdmin(server, 'PATCH', `/webhooks/${id}`, { url })).status]).toEqual([url, 400]);
  }
  const { logs } = await administer(
    server,
    'GET',
    '/api/admin/audit/logs?event_type=request_refused&limit=200',
  );
  expect(
    logs.filter(({ reason }: { reason: string }) => reason === 'parameter_invalid').length,
  ).toBeGreaterThan(10);
  await administer(server, 'DELETE', `/webhooks/${id}`);
});

/** Cause (AgentAuth): the signature covered the body alone, so whoever saw a request could send it again for ever. */
test('events could be replayed: the time is part of what is signed', async () => {
  const { id, secret } = await hooked(['agent.suspended']);
  await suspend();
  const [one] = (await receiver.until(1)) as [Received];
  await reactivate();
  const time = String(one.headers['x-agentauth-timestamp']);
  const signature = (text: string) => `sha256=${createHmac('sha256', secret).update(text).digest('hex')}`;
  expect(one.headers['x-agentauth-signature']).toBe(signature(`${time}.${one.text}`));
  expect(one.headers['x-agentauth-signature']).not.toBe(signature(one.text));
  expect(one.headers['x-agentauth-signature']).not.toBe(signature(`${Number(time) + 1}.${one.text}`));
  await administer(server, 'DELETE', `/webhooks/${id}`);
});

/** Cause (AgentAuth): a request that failed was tried once more at most, whatever was configured. */
test('retries fired once: a delivery is tried as often as the schedule says, and then told to be dead', async () => {
  receiver.answer((_request, response) => void response.writeHead(500).end());
  const { id } = await hooked(['agent.suspended']);
  await suspend();
  await receiver.until(4);
  await reactivate();
  for (let attempt = 1; ; attempt += 1) {
    const { deliveries } = await administer(server, 'GET', `/webhooks/${id}/deliveries?state=dead`);
    if (deliveries.length === 1) {
      expect(deliveries[0]).toMatchObject({ attempts: 4, response_status: 500, next_attempt_at: null });
      break;
    }
    expect(attempt).toBeLessThan(200);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  await administer(server, 'DELETE', `/webhooks/${id}`);
});

/** Cause (AgentAuth): what was not safe to repeat was repeated, and the receiver could not tell. */
test('repetitions could not be told apart: each attempt of a delivery has its id, and no two deliveries share one', async () => {
  receiver.answer((_request, response, nth) => void response.writeHead(nth === 1 ? 502 : 200).end());
  const { id } = await hooked(['agent.suspended', 'agent.reactivated']);
  await suspend();
  await reactivate();
  const all = await receiver.until(3);
  const ids = all.map(({ headers }) => headers['webhook-id']);
  expect(ids[0]).toBe(ids[1]);
  expect(ids[2]).not.toBe(ids[1]);
  expect(all.map(({ body }) => body.type)).toEqual([
    'agent.suspended',
    'agent.suspended',
    'agent.reactivated',
  ]);
  await administer(server, 'DELETE', `/webhooks/${id}`);
});

/** Cause (AgentAuth): any token changed anything, and some routes asked for none. */
test('nobody gets at webhooks without a token', async () => {
  const { id } = await hooked(['*']);
  expect((await postJson(server, '/webhooks', { url: receiver.url, events: ['*'] })).status).toBe(401);
  expect((await postJson(server, `/webhooks/${id}/regenerate-secret`, {})).status).toBe(401);
  await administer(server, 'DELETE', `/webhooks/${id}`);
});
