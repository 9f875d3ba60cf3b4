import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { keyHolder } from '../faults/proofs.ts';
import { type AgentAuthParty, registerWithKey, verify } from '../support/agent-auth.ts';
import { administer } from '../support/parties.ts';
import { type Answer, postJson } from '../support/requests.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { ADMIN, introspect } from '../support/token-requests.ts';

const NOBODY = { clientId: '', clientSecret: '', headers: {} };

let server: TestServer;
let party: AgentAuthParty;
beforeAll(async () => {
  // Few enough that a suite can use them up.
  server = await startServer({ env: { RATE_LIMIT_AUTHENTICATION_FAILURES_PER_CLIENT: '5' } });
  party = await registerWithKey(server);
});
afterAll(() => server.stop());

const replayed = ({ headers }: Answer) => headers.get('idempotent-replayed');

describe('an answer with tokens that are bound to a key (RFC 9449)', () => {
  let holder: Awaited<ReturnType<typeof keyHolder>>;
  let thief: typeof holder;
  beforeAll(async () => {
    holder = await keyHolder(server, NOBODY);
    thief = await keyHolder(server, NOBODY);
  });

  /** The request with a proof of this holder's, fresh each time; without one there is none. */
  async function ask(path: string, body: object, key: string, who?: typeof holder): Promise<Answer> {
    const dpop: Record<string, string> = who ? { dpop: await who.proof('POST', path) } : {};
    return postJson(server, path, body, { ...dpop, 'idempotency-key': key });
  }

  const jktOf = async ({ body }: Answer) =>
    (await introspect(server, ADMIN, body.token.access_token)).cnf?.jkt as string | undefined;

  test('is given again to whoever proves that key, and to nobody else', async () => {
    const [key, body] = [randomUUID(), { agent_id: party.agentId, api_key: party.apiKey }];
    const first = await ask('/agents/verify', body, key, holder);
    const again = await ask('/agents/verify', body, key, holder);
    expect([again.status, replayed(again), again.text]).toEqual([200, 'true', first.text]);

    const unproven = await ask('/agents/verify', body, key);
    expect([unproven.status, replayed(unproven), await jktOf(unproven)]).toEqual([200, null, undefined]);
    const another = await ask('/agents/verify', body, key, thief);
    expect([another.status, replayed(another)]).toEqual([200, null]);
    expect(await jktOf(another)).not.toBe(await jktOf(first));
    expect(new Set([first, unproven, another].map((answer) => answer.body.token.task_id)).size).toBe(3);
  });

  test('is not given again to a stolen refresh token without the key, whose holder goes on', async () => {
    const opened = await ask(
      '/agents/verify',
      { agent_id: party.agentId, api_key: party.apiKey },
      randomUUID(),
      holder,
    );
    const [key, body] = [randomUUID(), { refresh_token: opened.body.token.refresh_token }];
    const rotated = await ask('/agents/refresh', body, key, holder);
    expect((await ask('/agents/refresh', body, key)).body.code).toBe('key_mismatch');
    expect((await ask('/agents/refresh', body, key, thief)).body.code).toBe('key_mismatch');
    expect((await ask('/agents/refresh', body, key, holder)).text).toBe(rotated.text);
    const { active } = await introspect(server, ADMIN, rotated.body.token.access_token);
    expect(active).toBe(true);
  });
});

describe('each repetition', () => {
  const left = ({ headers }: Answer, policy: string) =>
    Number(new RegExp(`"${policy}";r=(\\d+)`).exec(headers.get('ratelimit') ?? '')?.[1]);

  test('counts for the agent, as the first request did', async () => {
    const headers = { 'idempotency-key': randomUUID() };
    const first = await verify(server, party, {}, headers);
    const again = await verify(server, party, {}, headers);
    expect(replayed(again)).toBe('true');
    expect(left(again, 'client')).toBe(left(first, 'client') - 1);
  });

  test('with a key that was ended counts as a failed authentication, until no more are let in', async () => {
    const own = await registerWithKey(server);
    const headers = { 'idempotency-key': randomUUID() };
    expect((await verify(server, own, {}, headers)).status).toBe(200);
    const keys = `/api/agents/${own.agentId}/api-keys`;
    const { api_keys } = await administer(server, 'GET', keys);
    await administer(server, 'DELETE', `${keys}/${api_keys[0].key_id}`);
    const refused: Answer[] = [];
    for (let i = 0; i < 6; i += 1) refused.push(await verify(server, own, {}, headers));
    expect(left(refused[1] as Answer, 'failed-authentication-client')).toBe(3);
    expect(refused.map(({ status }) => status)).toEqual([401, 401, 401, 401, 401, 429]);
    expect(refused.map((answer) => [replayed(answer), answer.body.token])).toEqual(
      refused.map(() => [null, undefined]),
    );
  });

  test('is held up by the guessing of others like any request', async () => {
    const own = await registerWithKey(server);
    const headers = { 'idempotency-key': randomUUID() };
    expect((await verify(server, own, {}, headers)).status).toBe(200);
    for (let i = 0; i < 5; i += 1) await verify(server, { ...own, apiKey: 'nonsense' });
    const again = await verify(server, own, {}, headers);
    expect([again.status, replayed(again)]).toEqual([429, null]);
  });
});
