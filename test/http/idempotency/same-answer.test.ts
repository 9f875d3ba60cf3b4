import { randomUUID } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { deriveTask } from '../../../src/app/issuance/derive-task.ts';
import { openTask } from '../../../src/app/issuance/open-task.ts';
import type { Agent } from '../../../src/domain/agent.ts';
import { CALLER } from '../../support/app-context.ts';
import { registeredAgent, TASK_VERIFIER } from '../../support/registered-agent.ts';
import { AGENTS, AN_AGENT, A_WEBHOOK, idempotencyScene } from './scene.ts';

const DAY = 86_400;

const { on, post, agentsNamed } = idempotencyScene();

/** What any request of an agent has in common. */
const asking = (agent: Agent) => ({
  caller: CALLER,
  agent,
  publicClient: false,
  detailed: false,
  refreshAllowed: false,
});

async function tokenOf(agent: Agent, ...resources: string[]): Promise<string> {
  const codeChallenge = on.api.context.digests.sha256(TASK_VERIFIER);
  const issued = await openTask(on.api.context, {
    ...asking(agent),
    request: { codeChallenge },
    resources,
  });
  return issued.access.value;
}

async function partOf(agent: Agent, parentToken: string): Promise<string> {
  const request = { answer: on.api.context.digests.sha256(TASK_VERIFIER), scope: [] };
  const order = { ...asking(agent), request, resources: [], parentToken, origin: 'token_exchange' } as const;
  return (await deriveTask(on.api.context, order)).access.value;
}

describe('a request that creates something, sent again with its Idempotency-Key', () => {
  test('gets the same answer, secrets included, says so, and creates nothing', async () => {
    const key = randomUUID();
    const first = await post(AGENTS, AN_AGENT, key);
    expect([first.status, first.headers['idempotent-replayed']]).toEqual([201, undefined]);
    const second = await post(AGENTS, AN_AGENT, key);
    expect([second.status, second.headers['idempotent-replayed']]).toEqual([201, 'true']);
    expect(second.text).toBe(first.text);
    expect(first.body.credentials.client_secret).toMatch(/^tgs_/);
    expect(await agentsNamed('Research agent')).toBe(1);
    expect((await on.api.events('agent_registered')).filter(({ actor }) => actor !== 'system')).toHaveLength(
      1,
    );
    expect(await on.api.events('answer_repeated')).toEqual([
      expect.objectContaining({
        actor: 'taskgrant-admin',
        details: expect.objectContaining({ method: 'POST', path: AGENTS }),
      }),
    ]);
  });

  test('is the same whatever the order of its members, and its key with or without quotes', async () => {
    const first = await post(AGENTS, { agent_name: 'One', description: 'a' }, '"k-1"');
    const second = await post(AGENTS, { description: 'a', agent_name: 'One' }, 'k-1');
    expect(second.text).toBe(first.text);
    const third = await post(AGENTS, { agent_name: 'One', description: 'a' }, String.raw`"k\"1"`);
    expect(third.body.agent.client_id).not.toBe(first.body.agent.client_id);
  });

  test('with another body is refused, and that is on record', async () => {
    const key = randomUUID();
    await post(AGENTS, AN_AGENT, key);
    const other = await post(AGENTS, { ...AN_AGENT, agent_name: 'Another agent' }, key);
    expect([other.status, other.body.code]).toEqual([422, 'idempotency_key_reused']);
    expect(await agentsNamed('Another agent')).toBe(0);
    expect((await on.api.events('request_refused')).map(({ reason }) => reason)).toEqual([
      'idempotency_key_reused',
    ]);
  });

  test('is another request at another path and from another caller', async () => {
    const key = randomUUID();
    const first = await post(AGENTS, AN_AGENT, key);
    const reader = await on.api.adminToken('admin:read');
    const lesser = await post(AGENTS, AN_AGENT, key, reader);
    const stranger = await post(AGENTS, AN_AGENT, key, null);
    const again = await post(AGENTS, AN_AGENT, key, null);
    expect(again.text).toBe(stranger.text);
    const ids = [first, lesser, stranger].map(({ body }) => body.agent.client_id);
    expect(new Set(ids).size).toBe(3);
    const person = { email: 'ada@example.com', name: 'Ada', password: 'a password of some length' };
    expect((await post('/api/admin/users', person, key)).status).toBe(201);
  });

  test('is not told to a token of the same agent that may less, only to one like the first', async () => {
    const { agent } = await registeredAgent(on.api.context);
    const reports = 'https://reports.example.com';
    await post('/api/admin/resource-servers', { name: 'Reports', audiences: [reports] }, undefined);
    const [own, another, seenElsewhere] = await Promise.all([
      tokenOf(agent),
      tokenOf(agent),
      tokenOf(agent, reports),
    ]);
    const part = await partOf(agent, own);
    const key = randomUUID();
    const first = await post('/api/webhooks', A_WEBHOOK, key, own);
    expect(first.status).toBe(201);
    for (const lesser of [seenElsewhere, part]) {
      const refused = await post('/api/webhooks', A_WEBHOOK, key, lesser);
      expect([refused.status, refused.body.secret]).toEqual([403, undefined]);
    }
    expect((await post('/api/webhooks', A_WEBHOOK, key, another)).text).toBe(first.text);
  });

  test('is answered anew where it was refused before: a refusal creates nothing', async () => {
    const key = randomUUID();
    const refused = await post(AGENTS, { agent_name: 'x' }, key);
    expect([refused.status, refused.body.code]).toEqual([400, 'parameter_invalid']);
    expect((await post(AGENTS, AN_AGENT, key)).status).toBe(201);
  });

  test('creates something else a day later', async () => {
    const key = randomUUID();
    const first = await post(AGENTS, AN_AGENT, key);
    on.api.clock.advance(DAY - 1);
    on.admin.token = await on.api.adminToken();
    expect((await post(AGENTS, AN_AGENT, key)).text).toBe(first.text);
    on.api.clock.advance(1);
    const later = await post(AGENTS, AN_AGENT, key);
    expect(later.headers['idempotent-replayed']).toBeUndefined();
    expect(later.body.agent.client_id).not.toBe(first.body.agent.client_id);
    expect((await post(AGENTS, AN_AGENT, key)).text).toBe(later.text);
  });

  test('creates twice without a key, as ever', async () => {
    await post(AGENTS, AN_AGENT, undefined);
    await post(AGENTS, AN_AGENT, undefined);
    expect(await agentsNamed('Research agent')).toBe(2);
  });
});
