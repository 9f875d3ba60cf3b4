import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { nodeBeside } from '../support/api-client.ts';
import { creates, replayed, startKeyHolder } from '../support/key-holder.ts';
import { TASK_VERIFIER } from '../support/registered-agent.ts';

/** Who refreshes shows nothing but the refresh token, which works once. */
let holder: Awaited<ReturnType<typeof startKeyHolder>>;
beforeEach(async () => {
  holder = await startKeyHolder();
});
afterEach(() => holder.api.close());

describe('a refresh token that works exactly once', () => {
  let token: string;
  let access: string;
  beforeEach(async () => {
    const { body } = await holder.verify(undefined);
    token = body.token.refresh_token;
    access = body.token.access_token;
  });

  test('brings the same successor again with the same key, and the family goes on', async () => {
    const key = randomUUID();
    const first = await holder.refresh(token, key);
    const again = await holder.refresh(token, key);
    expect([again.status, replayed(again), again.text]).toEqual([200, 'true', first.text]);
    expect(await holder.api.events('token_replayed')).toEqual([]);
    expect(await holder.works(first.body.token.access_token)).toBe(true);
    expect((await holder.refresh(first.body.token.refresh_token, randomUUID())).status).toBe(200);
    // Long since used, and not for this: its answer is still the same.
    expect((await holder.refresh(token, key)).text).toBe(first.text);
  });

  test.each([
    ['another key', () => randomUUID()],
    ['none', () => undefined],
  ])('is replayed with %s: the family ends, for the holder of the first key too', async (_what, other) => {
    const key = randomUUID();
    const first = await holder.refresh(token, key);
    const second = await holder.refresh(token, other());
    expect([second.status, second.body.code]).toEqual([400, 'grant_replayed']);
    expect(await holder.api.events('token_replayed')).toHaveLength(1);
    expect(await holder.works(access)).toBe(false);
    expect(await holder.works(first.body.token.access_token)).toBe(false);
    const again = await holder.refresh(token, key);
    expect([again.body.code, again.body.token]).toEqual(['grant_revoked', undefined]);
  });

  test('is no replay where another node has just rotated it for the same key', async () => {
    const [key, other] = [randomUUID(), nodeBeside(holder.api)];
    const { idempotency } = holder.api.store;
    const { byId } = idempotency;
    let theirs: Awaited<ReturnType<typeof holder.post>> | undefined;
    Object.assign(idempotency, {
      async byId(id: string) {
        Object.assign(idempotency, { byId });
        const found = await byId(id);
        theirs = await holder.post('/agents/refresh', { refresh_token: token }, key, other);
        return found;
      },
    });
    const ours = await holder.refresh(token, key);
    await other.close();
    expect([ours.status, replayed(ours), ours.text]).toEqual([200, 'true', theirs?.text]);
    expect(theirs && replayed(theirs)).toBeUndefined();
    expect(await holder.works(ours.body.token.access_token)).toBe(true);
    expect(await holder.api.events('token_replayed')).toEqual([]);
  });

  test('is replayed when another request rotates it between the decision and the commit', async () => {
    let faster = '';
    holder.beforeCommit(creates, async () => {
      faster = (await holder.refresh(token, undefined)).body.token.access_token;
    });
    const slower = await holder.refresh(token, randomUUID());
    expect([slower.status, slower.body.code]).toEqual([400, 'grant_replayed']);
    expect([await holder.works(access), await holder.works(faster)]).toEqual([false, false]);
    expect(await holder.api.events('token_replayed')).toHaveLength(1);
  });

  test('is forgiven that within the grace time where a verifier binds it', async () => {
    const challenge = holder.api.context.digests.sha256(TASK_VERIFIER);
    const { body } = await holder.verify(undefined, {
      code_challenge: challenge,
      code_challenge_method: 'S256',
    });
    const bound = (key: string | undefined) =>
      holder.refresh(body.token.refresh_token, key, { code_verifier: TASK_VERIFIER });
    let faster = '';
    holder.beforeCommit(creates, async () => {
      faster = (await bound(undefined)).body.token.access_token;
    });
    const slower = await bound(randomUUID());
    expect(slower.status).toBe(200);
    expect(await holder.works(faster)).toBe(true);
    expect(await holder.works(slower.body.token.access_token)).toBe(true);
  });

  test.each([
    ['its task has expired', async () => holder.api.clock.advance(3601), 'grant_expired'],
    ['its agent was suspended', () => holder.suspend(), 'agent_not_active'],
    [
      'its agent has ended it',
      () => holder.api.send('post', '/agents/revoke-tokens', { token: access }),
      'grant_revoked',
    ],
  ])('brings nothing again when %s', async (_what, end, code) => {
    const key = randomUUID();
    await holder.refresh(token, key);
    await end();
    const again = await holder.refresh(token, key);
    expect([again.body.code, again.body.token]).toEqual([code, undefined]);
  });
});
