import { inflateSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createRemoteJWKSet, decodeJwt, jwtVerify } from 'jose';
import {
  type AgentParty,
  administer,
  asAdmin,
  registerAgent,
  registerResourceServer,
} from '../support/parties.ts';
import { send } from '../support/requests.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { delegate, derive, handOff, open, type OpenTask, revoke } from '../support/token-requests.ts';

const MAX_AGE = 10;

let server: TestServer;
let agent: AgentParty;
let helper: AgentParty;
let keys: ReturnType<typeof createRemoteJWKSet>;

beforeAll(async () => {
  server = await startServer({ env: { STATUS_LISTS: 'on', STATUS_LIST_MAX_AGE: String(MAX_AGE) } });
  keys = createRemoteJWKSet(new URL(`${server.issuer}/api/oauth/jwks`));
  agent = await registerAgent(server);
  helper = await registerAgent(server);
});
afterAll(() => server.stop());

interface Reference {
  readonly idx: number;
  readonly uri: string;
}

function referenceOf(token: string): Reference | undefined {
  return (decodeJwt(token)['status'] as { status_list: Reference } | undefined)?.status_list;
}

/** As draft-ietf-oauth-status-list-21 §8.3 tells a relying party to do it. */
async function statusOf({ token }: Pick<OpenTask, 'token'>): Promise<number> {
  const { idx, uri } = referenceOf(token) ?? { idx: -1, uri: '' };
  const answer = await send(server, uri, { headers: { accept: 'application/statuslist+jwt' } });
  expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'application/statuslist+jwt']);
  const { payload } = await jwtVerify(answer.text, keys, {
    typ: 'statuslist+jwt',
    subject: uri,
    currentDate: new Date(server.clock.now()),
  });
  const { bits, lst } = payload['status_list'] as { bits: number; lst: string };
  expect(bits).toBe(1);
  const bytes = inflateSync(Buffer.from(lst, 'base64url'));
  expect(idx).toBeLessThan(bytes.length * 8);
  return ((bytes[idx >> 3] ?? 0) >> (idx & 7)) & 1;
}

/** The server keeps a list for half of the time that it may be old. */
function later(): void {
  server.clock.advance(MAX_AGE / 2 + 1);
}

const endTask = (task: OpenTask) => asAdmin(server, 'POST', `/api/tasks/${task.taskId}/revoke`, {});

describe('the status of a token', () => {
  test('is valid while nothing was revoked', async () => {
    expect(await statusOf(await open(server, agent))).toBe(0);
  });

  test('is invalid when anything that it rests on was revoked, and of nothing else', async () => {
    const root = await open(server, agent, { delegates: helper.clientId });
    const [left, right] = [await derive(server, root), await derive(server, root)];
    const below = await derive(server, left);
    const others = await delegate(server, root, helper);
    const statuses = async () => {
      later();
      return Promise.all([root, left, right, below, others].map(statusOf));
    };
    expect(await statuses()).toEqual([0, 0, 0, 0, 0]);
    // The token alone: what was derived through it goes on.
    await revoke(server, agent, left.token, { revoke_children: 'false' });
    expect(await statuses()).toEqual([0, 1, 0, 0, 0]);
    await endTask(left);
    expect(await statuses()).toEqual([0, 1, 0, 1, 0]);
    await administer(server, 'POST', `/api/agents/${helper.clientId}/suspend`, {});
    expect(await statuses()).toEqual([0, 1, 0, 1, 1]);
    await administer(server, 'POST', `/api/agents/${helper.clientId}/reactivate`, {});
    await revoke(server, agent, root.token);
    expect(await statuses()).toEqual([1, 1, 1, 1, 1]);
    // An agent that is back gets tokens that are valid.
    expect(await statusOf(await open(server, helper))).toBe(0);
  });

  test('is kept for a while, and then asked for again', async () => {
    const task = await open(server, agent);
    later();
    expect(await statusOf(task)).toBe(0);
    await endTask(task);
    server.clock.advance(MAX_AGE / 2 - 1);
    const { uri } = referenceOf(task.token) ?? { uri: '' };
    const old = decodeJwt((await send(server, uri)).text) as { iat: number; exp: number; ttl: number };
    expect([old.exp - old.iat, old.ttl]).toEqual([MAX_AGE, MAX_AGE / 2]);
    // As old as what is kept here and there together may be, and no older.
    later();
    expect(await statusOf(task)).toBe(1);
  });

  test('may be kept by anybody for as long as the server keeps it, browsers included', async () => {
    later();
    const { uri } = referenceOf((await open(server, agent)).token) ?? { uri: '' };
    const { headers } = await send(server, uri);
    expect(headers.get('access-control-allow-origin')).toBe('*');
    const [, age] = /^public, max-age=(\d+)$/.exec(headers.get('cache-control') ?? '') ?? [];
    expect(Number(age)).toBeLessThanOrEqual(MAX_AGE / 2);
    expect(Number(age)).toBeGreaterThan(0);
  });
});

describe('places', () => {
  test('are never given twice, and do not tell how many there are', async () => {
    const tasks = await Promise.all(Array.from({ length: 60 }, () => open(server, agent)));
    const places = tasks.map(({ token }) => referenceOf(token));
    const names = places.map((place) => `${place?.uri} ${place?.idx}`);
    expect(new Set(names).size).toBe(60);
    const indexes = places.map((place) => place?.idx ?? -1);
    // Sixty in a row would lie within sixty places; these lie all over the list.
    expect(Math.max(...indexes) - Math.min(...indexes)).toBeGreaterThan(300_000);
    expect(indexes).not.toEqual(indexes.toSorted((a, b) => a - b));
  });

  test('are for JWTs that others look at: opaque and hand-off tokens have none', async () => {
    const opaque = await registerResourceServer(server, { token_format: 'opaque' });
    const task = await open(server, agent, { resource: opaque.audience });
    expect(task.token).not.toContain('.');
    const root = await open(server, agent, { delegates: helper.clientId });
    expect(referenceOf(await handOff(server, root, helper))).toBeUndefined();
    expect(referenceOf(root.token)).toEqual({
      idx: expect.any(Number),
      uri: expect.stringMatching(new RegExp(`^${server.issuer}/api/status-lists/[\\w-]+$`)),
    });
  });
});

test('a list that never was is not found', async () => {
  expect(await send(server, '/api/status-lists/unknown')).toMatchObject({
    status: 404,
    body: { code: 'not_found' },
  });
});

test('without the setting tokens name none', async () => {
  const plain = await startServer();
  try {
    const task = await open(plain, await registerAgent(plain));
    expect(decodeJwt(task.token)).not.toHaveProperty('status');
  } finally {
    await plain.stop();
  }
});
