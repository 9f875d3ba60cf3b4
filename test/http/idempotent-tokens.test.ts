import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { creates, repeats, replayed, startKeyHolder } from '../support/key-holder.ts';

/** Requests that bring tokens, and prove who asks by an API key in their body. */
let holder: Awaited<ReturnType<typeof startKeyHolder>>;
beforeEach(async () => {
  holder = await startKeyHolder();
});
afterEach(() => holder.api.close());

describe('an API key that is shown again with the Idempotency-Key', () => {
  test.each([
    ['/agents/verify', () => holder.agent],
    ['/api/agents/verify', () => holder.agent],
    ['/auth/login', () => ({ api_key: holder.agent.api_key })],
  ])('brings the tokens of the task that it opened: %s', async (path, body) => {
    const key = randomUUID();
    const first = await holder.post(path, body(), key);
    const again = await holder.post(path, body(), key);
    expect([replayed(first), replayed(again)]).toEqual([undefined, 'true']);
    expect([again.status, again.text]).toEqual([200, first.text]);
    expect(await holder.api.events('task_opened')).toHaveLength(2);
    expect(await holder.facts('task_opened')).toHaveLength(1);
    expect(await holder.api.events('answer_repeated')).toEqual([
      expect.objectContaining({ actor: holder.agent.agent_id, clientId: holder.agent.agent_id }),
    ]);
    expect((await holder.post(path, body(), randomUUID())).text).not.toBe(first.text);
  });

  test('needs one that nobody guesses: whoever finds a used token must not be told its successor', async () => {
    const answer = await holder.verify('key-1');
    expect([answer.status, answer.body.code]).toEqual([400, 'idempotency_key_invalid']);
  });

  test('opens another task for another agent, and none for another key of the same one', async () => {
    const key = randomUUID();
    const first = await holder.verify(key);
    const other = await holder.register();
    expect((await holder.post('/agents/verify', other, key)).body.agent.agent_id).toBe(other.agent_id);
    const { api_key } = await holder.administer('post', `${holder.at}/api-keys`, { name: 'Laptop' });
    const reused = await holder.verify(key, { api_key });
    expect([reused.status, reused.body.code]).toEqual([422, 'idempotency_key_reused']);
    expect((await holder.verify(key)).text).toBe(first.text);
  });
});

describe('the answer that an API key got', () => {
  const keys = () => `${holder.at}/api-keys`;
  const keyId = async () => (await holder.administer('get', keys())).api_keys[0].key_id as string;
  const ends: [string, () => Promise<unknown>][] = [
    ['was revoked', async () => holder.administer('delete', `${keys()}/${await keyId()}`)],
    [
      'was replaced at once',
      async () => holder.administer('post', `${keys()}/${await keyId()}/rotate`, { immediate: true }),
    ],
    ['lost its agent', () => holder.administer('delete', holder.at)],
  ];
  test.each(ends)('is not told to a key that %s', async (_how, end) => {
    const key = randomUUID();
    expect((await holder.verify(key)).status).toBe(200);
    await end();
    const again = await holder.verify(key);
    expect([again.status, again.body.code, again.body.token]).toEqual([401, 'api_key_invalid', undefined]);
    expect(await holder.api.events('client_authentication_failed')).toHaveLength(1);
    expect(await holder.api.events('answer_repeated')).toEqual([]);
  });

  test('is not told to a key that has expired', async () => {
    const made = await holder.administer('post', keys(), { name: 'Laptop', expires_in: 60 });
    const [key, laptop] = [randomUUID(), { api_key: made.api_key }];
    expect((await holder.verify(key, laptop)).status).toBe(200);
    holder.api.clock.advance(61);
    expect((await holder.verify(key, laptop)).body.code).toBe('api_key_invalid');
  });

  test('is not told to an agent that is suspended, nor when it is back: what it holds has ended', async () => {
    const key = randomUUID();
    const first = await holder.verify(key);
    await holder.suspend();
    const refused = await holder.verify(key);
    expect([refused.status, refused.body.code]).toEqual([403, 'agent_not_active']);
    await holder.administer('post', `${holder.at}/reactivate`, {});
    const anew = await holder.verify(key);
    expect([anew.status, replayed(anew)]).toEqual([200, undefined]);
    expect(await holder.works(first.body.token.access_token)).toBe(false);
    expect(await holder.works(anew.body.token.access_token)).toBe(true);
  });

  test.each([
    [
      'a revocation of the key',
      async () => holder.administer('delete', `${keys()}/${await keyId()}`),
      'grant_revoked',
    ],
    ['a suspension of the agent', () => holder.suspend(), 'agent_not_active'],
  ])('is not told when %s comes between the look-up and the commit', async (_what, meanwhile, code) => {
    const key = randomUUID();
    await holder.verify(key);
    holder.beforeCommit(repeats, meanwhile);
    const again = await holder.verify(key);
    expect([again.body.code, again.body.token]).toEqual([code, undefined]);
    expect(await holder.api.events('answer_repeated')).toEqual([]);
  });
});

describe('what is registered changes between the decision and its commit', () => {
  beforeEach(() => holder.verify(undefined));

  test('fewer rights: the wider scope is refused, and no answer is kept', async () => {
    const key = randomUUID();
    holder.beforeCommit(creates, () => holder.setRights(['example:read']));
    const refused = await holder.verify(key, { scope: 'reports:write' });
    expect([refused.status, refused.body.code]).toEqual([403, 'scope_exceeds_ceiling']);
    await holder.setRights(['reports:write']);
    const granted = await holder.verify(key, { scope: 'reports:write' });
    expect([granted.status, replayed(granted)]).toEqual([200, undefined]);
  });

  test('other rights: the token has those, and so has the answer that is kept', async () => {
    const key = randomUUID();
    holder.beforeCommit(creates, () => holder.setRights(['reports:read']));
    const first = await holder.verify(key);
    expect([first.status, first.body.token.scope]).toEqual([200, 'reports:read']);
    expect((await holder.verify(key)).text).toBe(first.text);
    expect(await holder.facts('task_opened')).toHaveLength(2);
  });

  test('time and again: the request is answered all the same', async () => {
    const again = async () => {
      holder.beforeCommit(creates, again);
      await holder.register();
    };
    holder.beforeCommit(creates, again);
    expect((await holder.verify(randomUUID())).status).toBe(200);
  });

  test('in the middle of a rotation: the token is rotated once, with the rights of that moment', async () => {
    const { body } = await holder.verify(undefined);
    const key = randomUUID();
    holder.beforeCommit(creates, () => holder.setRights(['example:read']));
    const rotated = await holder.refresh(body.token.refresh_token, key);
    expect([rotated.status, rotated.body.token.scope]).toEqual([200, 'example:read']);
    expect((await holder.refresh(body.token.refresh_token, key)).text).toBe(rotated.text);
    expect(await holder.api.events('token_refreshed')).toHaveLength(1);
  });
});
