import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createLocalJWKSet, decodeProtectedHeader, type JSONWebKeySet, jwtVerify } from 'jose';
import pg from 'pg';
import { createWorkplace, type Workplace } from '../cli/run-cli.ts';
import { browserOf } from '../support/browser-session.ts';
import { CALLBACK, getCode, redeemCode } from '../support/code-flow.ts';
import { type AgentParty, createPerson, registerAgent } from '../support/parties.ts';
import { send } from '../support/requests.ts';
import type { RunningServer } from '../support/server.ts';
import { logEntries } from '../support/server-process.ts';
import { ADMIN, introspect, open } from '../support/token-requests.ts';
import { type NodeProcesses, startNodeProcesses } from './node-processes.ts';

let nodes: NodeProcesses;
let a: RunningServer;
let b: RunningServer;
let c: RunningServer;
let agent: AgentParty;
let place: Workplace | undefined;

beforeAll(async () => {
  // Without a named administrator the first start makes one up and prints the password, once.
  nodes = await startNodeProcesses(4, { env: { ADMIN_EMAIL: '', ADMIN_PASSWORD: '' } });
  [a, b, c] = nodes.each as [RunningServer, RunningServer, RunningServer];
});
afterAll(async () => {
  place?.remove();
  await nodes?.stop();
});

async function counted(query: string): Promise<number> {
  const client = new pg.Client({ connectionString: nodes.databaseUrl });
  await client.connect();
  try {
    const { rows } = await client.query<{ count: string }>(`SELECT count(*) AS count FROM ${query}`);
    return Number(rows[0]?.count);
  } finally {
    await client.end();
  }
}

const keysOf = async (node: RunningServer) => (await send(node, '/api/oauth/jwks')).body as JSONWebKeySet;

const kidOf = (token: string) => decodeProtectedHeader(token).kid;

/** RFC 9068 §4, by somebody who has just fetched the keys from that node. */
async function expectVerified(token: string, node: RunningServer): Promise<void> {
  const keys = createLocalJWKSet(await keysOf(node));
  const { payload } = await jwtVerify(token, keys, { issuer: nodes.front.issuer, typ: 'at+jwt' });
  expect(payload.sub).toBe(agent.clientId);
}

async function rotate(aheadSeconds: number): Promise<string> {
  place?.remove();
  place = createWorkplace({ ...nodes.env, KEY_PUBLISH_AHEAD: String(aheadSeconds) });
  const { made, key } = await place.json('keys', 'rotate');
  expect(made).toBe(true);
  return (key as { kid: string }).kid;
}

describe('four servers that start at once on an empty database', () => {
  test('make one of everything, and complain of nothing', async () => {
    const made = {
      users: await counted('users'),
      agents: await counted("agents WHERE client_id = 'taskgrant-admin'"),
      keys: await counted('signing_keys'),
      keyEvents: await counted("audit_events WHERE type = 'signing_key_created'"),
      createdEvents: await counted("audit_events WHERE type = 'user_created'"),
      registeredEvents: await counted("audit_events WHERE type = 'agent_registered'"),
    };
    expect(Object.values(made)).toEqual([1, 1, 1, 1, 1, 1]);
    for (const process of nodes.processes) expect(logEntries(process, 'error.log')).toEqual([]);
    const printed = nodes.processes.filter((process) => process.output().includes('password   '));
    expect(printed).toHaveLength(1);
  });

  test('publish the same key', async () => {
    const sets = await Promise.all(nodes.each.map(keysOf));
    for (const set of sets) expect(set).toEqual(sets[0]);
  });
});

describe('a rotation of the signing key', () => {
  beforeAll(async () => {
    agent = await registerAgent(a, {
      redirect_uris: [CALLBACK],
      grant_types: ['authorization_code', 'client_credentials'],
    });
  });

  test('that takes effect at once: a node that has not noticed verifies what another signs, and shows its key', async () => {
    const before = await open(b, agent);
    const kid = await rotate(0);
    // Whoever is asked for its keys has noticed.
    expect((await keysOf(a)).keys.map((key) => key.kid)).toContain(kid);
    const after = await open(a, agent);
    expect(kidOf(after.token)).toBe(kid);

    // Somebody looked for a key that does not exist a moment ago.
    const [, ...rest] = after.token.split('.');
    const header = { alg: 'ES256', typ: 'at+jwt', kid: 'no-such-key' };
    const forged = [Buffer.from(JSON.stringify(header)).toString('base64url'), ...rest].join('.');
    expect(await introspect(b, ADMIN, forged)).toEqual({ active: false });
    expect(await introspect(b, ADMIN, after.token)).toMatchObject({ active: true });
    await expectVerified(after.token, c);
    await expectVerified(after.token, b);
    for (const node of nodes.each) await expectVerified(before.token, node);
  });

  test('ID tokens follow, and verify wherever the keys are fetched', async () => {
    const kid = await rotate(0);
    await keysOf(a);
    const browser = browserOf(nodes.front, await createPerson(a, { permissions: ['reports:read'] }));
    const code = await getCode(nodes.front, { agent, browser, form: { scope: 'openid reports:read' } });
    const { body } = await redeemCode(a, agent, code);
    expect(kidOf(body.id_token)).toBe(kid);
    const keys = createLocalJWKSet(await keysOf(c));
    const { payload } = await jwtVerify(body.id_token, keys, { issuer: nodes.front.issuer });
    expect(payload.aud).toBe(agent.clientId);
  });

  test('that is announced first: every token of any node verifies with the keys of every node, all the time', async () => {
    const kid = await rotate(2);
    const signedBy = new Map<string, Set<string>>();
    const late = Date.now() + 12_000;
    while (![...signedBy.values()].every((kids) => kids.has(kid)) || signedBy.size === 0) {
      if (Date.now() > late) throw new Error('not every node took the new key over');
      const tokens = await Promise.all(nodes.each.map((node) => open(node, agent)));
      for (const [i, { token }] of tokens.entries()) {
        const { address } = nodes.each[i] as RunningServer;
        signedBy.set(address, (signedBy.get(address) ?? new Set()).add(kidOf(token) ?? ''));
        for (const node of nodes.each) await expectVerified(token, node);
        const answers = await Promise.all(nodes.each.map((node) => introspect(node, ADMIN, token)));
        expect(answers.map(({ active }) => active)).toEqual([true, true, true, true]);
      }
      await setTimeout(100);
    }
    // Each has signed with an old key for a while, and then with the new one.
    for (const kids of signedBy.values()) expect(kids.size).toBeGreaterThanOrEqual(2);
    expect(await counted('signing_keys')).toBe(4);
  });
});
