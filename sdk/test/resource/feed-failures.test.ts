import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { type FeedChange, type Guard, protect, type ProtectOptions } from '@taskgrant/sdk/resource';
import {
  AUDIENCE,
  claimsOf,
  type FakeIssuer,
  fakeIssuer,
  ISSUER,
  newKey,
  type SigningPair,
  signed,
} from './fake-issuer.ts';
import { statusOf, untilRefused, withToken } from './protected-api.ts';

/** What can happen to the feed, in a network that does as it is told. Whoever does not know lets nobody in. */
let issuer: FakeIssuer;
let key: SigningPair;
let guards: Guard[] = [];

beforeEach(async () => {
  issuer = fakeIssuer();
  key = await newKey(issuer, 'one');
});
afterEach(() => {
  for (const guard of guards) guard.close();
  guards = [];
});

/** Patience of milliseconds where the product has seconds. */
const TIMING = {
  silence: 150,
  lag: 200,
  pollFirst: 60_000,
  pollInterval: 20,
  backoffFirst: 5,
  backoffLongest: 20,
  timeout: 200,
};

function live(over: Partial<ProtectOptions> = {}): Guard {
  const credentials = { clientId: 'rs_api', clientSecret: 'secret' };
  const guard = protect({
    issuer: ISSUER,
    audience: AUDIENCE,
    credentials,
    fetch: issuer.fetch,
    maxAge: 0.4,
    timing: TIMING,
    ...over,
  });
  guards.push(guard);
  return guard;
}

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

async function until(what: () => boolean | Promise<boolean>, most = 3000): Promise<void> {
  for (const late = performance.now() + most; !(await what()); await pause(5)) {
    if (performance.now() > late) throw new Error('it did not come about');
  }
}

describe('a connection that is cut', () => {
  test('loses nothing that was revoked meanwhile', async () => {
    const guard = live();
    await guard.ready();
    const tokens = await Promise.all([1, 2, 3].map((n) => signed(key, claimsOf({ jti: `cut-${n}` }))));
    await until(() => issuer.openStreams() === 1);
    issuer.streams = 503;
    issuer.cut();
    issuer.mode = 'away';
    for (const n of [1, 2, 3]) issuer.revoke('token', `cut-${n}`);
    await pause(50);
    issuer.mode = 'well';
    issuer.streams = 'well';
    for (const token of tokens) await untilRefused(guard, token, 1000);
    expect(guard.status().feed).toMatchObject({ sequence: 3, revocations: 3 });
  });

  test('is taken up again where it ended, without the whole ledger', async () => {
    for (let n = 0; n < 2500; n += 1) issuer.revoke('task', `old-${n}`);
    const guard = live();
    await guard.ready();
    // 1,000 rows a page.
    expect(issuer.asked.filter((path) => path === '/api/revocations')).toHaveLength(3);
    await until(() => issuer.openStreams() === 1);
    const before = issuer.asked.length;
    issuer.cut();
    await until(() => issuer.openStreams() === 1);
    expect(issuer.asked.slice(before)).toEqual(['/api/revocations', '/api/revocations/stream']);
  });
});

describe('a feed that says less than there is', () => {
  test('is asked for what the stream left out', async () => {
    const guard = live();
    await guard.ready();
    await until(() => issuer.openStreams() === 1);
    const token = await signed(key, claimsOf({ jti: 'left-out' }));
    expect(await statusOf(guard, token)).toBe(200);
    // The row never comes, only the head that counts it.
    issuer.rows.push([1, 'token', 'left-out', 0]);
    await untilRefused(guard, token, 1000);
  });

  test('that begins anew after a restore is read from the first row on', async () => {
    for (let n = 0; n < 5; n += 1) issuer.revoke('task', `before-${n}`);
    const guard = live();
    await guard.ready();
    issuer.cut();
    issuer.rows.splice(0);
    issuer.revoke('task', 'handle-after');
    const token = await signed(key, claimsOf({}, { handle: 'handle-after' }));
    await untilRefused(guard, token, 1000);
    expect(guard.status().feed?.sequence).toBe(1);
  });

  test('that was restored, and has grown beyond what was known, is read from the first row on', async () => {
    for (let n = 0; n < 5; n += 1) issuer.revoke('task', `before-${n}`);
    const guard = live();
    const token = await signed(key, claimsOf({}, { handle: 'handle-missed' }));
    expect(await statusOf(guard, token)).toBe(200);
    issuer.mode = 'away';
    issuer.cut();
    issuer.rows.splice(2);
    issuer.revoke('task', 'handle-missed');
    for (let n = 4; n < 9; n += 1) issuer.revoke('task', `after-${n}`);
    issuer.mode = 'well';
    await untilRefused(guard, token, 1000);
    expect(guard.status().feed).toMatchObject({ sequence: 8 });
  });

  test('whose last known row was cleaned up meanwhile is read from the first row on, and loses nothing', async () => {
    for (let n = 0; n < 5; n += 1) issuer.revoke('task', `before-${n}`);
    const guard = live();
    const token = await signed(key, claimsOf({}, { handle: 'handle-later' }));
    expect(await statusOf(guard, token)).toBe(200);
    issuer.mode = 'away';
    issuer.cut();
    issuer.revoke('task', 'handle-later');
    issuer.rows.splice(0, 5);
    issuer.mode = 'well';
    await untilRefused(guard, token, 1000);
    expect(guard.status().feed).toMatchObject({ sequence: 6, revocations: 6 });
  });
});

describe('knowledge that is too old', () => {
  test('lets nobody in, and says when to come back', async () => {
    const guard = live();
    const token = await signed(key);
    expect(await statusOf(guard, token)).toBe(200);
    issuer.mode = 'away';
    issuer.cut();
    await until(async () => (await statusOf(guard, token)) === 503);
    expect(await guard.authenticate(withToken(token))).toMatchObject({
      status: 503,
      reason: 'revocations_unknown',
      headers: { 'retry-after': '1' },
      body: { code: 'revocations_unknown' },
    });
    issuer.mode = 'well';
    await until(async () => (await statusOf(guard, token)) === 200);
  });

  test('is what the guard has after the computer slept, however little its steady clock went on', async () => {
    const guard = live({ maxAge: 5 });
    const [token, { now }] = [await signed(key), Date];
    expect(await statusOf(guard, token)).toBe(200);
    issuer.mode = 'away';
    issuer.cut();
    expect(await statusOf(guard, token)).toBe(200);
    const slept = jest.spyOn(Date, 'now').mockImplementation(() => now() + 60_000);
    expect(await statusOf(guard, token)).toBe(503);
    slept.mockRestore();
    issuer.mode = 'well';
    await until(async () => (await statusOf(guard, token)) === 200);
  });

  test('still tells what is known to be revoked', async () => {
    const guard = live();
    issuer.revoke('token', 'known');
    // The keys are known, too.
    expect(await statusOf(guard, await signed(key))).toBe(200);
    issuer.mode = 'away';
    issuer.cut();
    await until(() => (guard.status().feed?.ageSeconds ?? 0) > 0.4);
    const [dead, unknown] = await Promise.all([signed(key, claimsOf({ jti: 'known' })), signed(key)]);
    expect([await statusOf(guard, dead), await statusOf(guard, unknown)]).toEqual([401, 503]);
  });

  test('is made good by introspection where that is wanted', async () => {
    const guard = live({ fallback: 'introspection' });
    const claims = claimsOf();
    const token = await signed(key, claims);
    issuer.introspected = { active: true, ...claims };
    await guard.ready();
    expect(await statusOf(guard, token)).toBe(200);
    expect(issuer.asked).not.toContain('/api/oauth/introspect');
    // The feed is away, introspection is not.
    const { fetch } = issuer;
    const feedAway: typeof fetch = (input, init) =>
      (input as string).includes('/revocations') ? Promise.reject(new TypeError('away')) : fetch(input, init);
    const cutOff = live({ fallback: 'introspection', fetch: feedAway, maxAge: 0 });
    expect(await cutOff.authenticate(withToken(token))).toMatchObject({ accepted: true });
    expect(issuer.asked).toContain('/api/oauth/introspect');
    issuer.introspected = { active: false };
    expect(await statusOf(cutOff, token)).toBe(401);
  });

  test('never counts as knowledge before the snapshot is complete', async () => {
    for (let n = 0; n < 1500; n += 1) issuer.revoke('task', `old-${n}`);
    const { fetch } = issuer;
    let release = () => {};
    const gate = new Promise<void>((resolve) => (release = resolve));
    let pages = 0;
    const slow: typeof fetch = async (input, init) => {
      if (/revocations\?/.test(input as string) && (pages += 1) === 2) await gate;
      return fetch(input, init);
    };
    const guard = live({ fetch: slow, timing: { ...TIMING, timeout: 5000 } });
    const token = await signed(key);
    let answered: number | undefined;
    const asking = statusOf(guard, token).then((status) => (answered = status));
    await pause(100);
    expect([answered, guard.status().feed?.revocations]).toEqual([undefined, 1000]);
    release();
    await asking;
    expect(answered).toBe(200);
  });
});

describe('a stream that does not get through', () => {
  test.each([
    ['is refused', 503],
    ['is answered with something else', 200],
    ['opens and says nothing', 'silent'],
  ] as const)('and %s, is replaced by polling', async (_how, streams) => {
    issuer.streams = streams;
    const changes: FeedChange[] = [];
    const guard = live({ onFeed: (change) => void changes.push(change) });
    await guard.ready();
    await until(() => guard.status().feed?.state === 'polling');
    expect(changes.map(({ state }) => state)).toContain('lost');
    const token = await signed(key, claimsOf({ jti: 'polled' }));
    expect(await statusOf(guard, token)).toBe(200);
    issuer.rows.push([1, 'token', 'polled', 0]);
    await untilRefused(guard, token, 1000);
    expect(guard.status().feed).toMatchObject({ state: 'polling', sequence: 1 });
  });

  test('is tried again after a while', async () => {
    issuer.streams = 503;
    const guard = live({ timing: { ...TIMING, pollFirst: 100 } });
    await guard.ready();
    await until(() => guard.status().feed?.state === 'polling');
    issuer.streams = 'well';
    await until(() => guard.status().feed?.state === 'streaming');
  });
});

describe('a feed that is not understood', () => {
  test.each([
    ['a kind that is not known', '[[1,"planet","earth",0]]'],
    ['rows out of order', '[[2,"task","a",0],[1,"task","b",0]]'],
    ['something that is no row', '[["1","task","a",0]]'],
    ['no JSON', 'hello'],
  ])('is not acted on: %s', async (_what, data) => {
    const guard = live();
    await guard.ready();
    await until(() => issuer.openStreams() === 1);
    const token = await signed(key);
    expect(await statusOf(guard, token)).toBe(200);
    // From now on every page says the same.
    issuer.rows.push(...(data.startsWith('[') ? (JSON.parse(data) as never[]) : ([['x']] as never[])));
    issuer.say(`event: revocations\ndata: ${data}\n\n`);
    await until(async () => (await statusOf(guard, token)) === 503);
  });
});

test('wrong credentials let nobody in, and are not tried again and again', async () => {
  issuer.mode = 401;
  const guard = live();
  void guard.ready().catch(() => undefined);
  await pause(300);
  expect(issuer.asked).toEqual(['/api/revocations']);
  expect(guard.status().feed).toMatchObject({ state: 'lost', ageSeconds: Infinity });
});

describe('credentials that have to be fetched', () => {
  const CREDENTIALS = { clientId: 'rs_api', clientSecret: 'secret' };

  test('and never come once, are asked for again: the feed does not wait for ever', async () => {
    let asked = 0;
    const guard = live({
      // The first page and the first stream.
      credentials: () => ([1, 3].includes((asked += 1)) ? new Promise<never>(() => {}) : CREDENTIALS),
    });
    await guard.ready();
    await until(() => guard.status().feed?.state === 'streaming');
    expect(await statusOf(guard, await signed(key))).toBe(200);
  });

  test('and cannot be had, are named as what is missing', async () => {
    const changes: FeedChange[] = [];
    const guard = live({
      credentials: () => Promise.reject(new Error('vault: sealed')),
      onFeed: (change) => void changes.push(change),
    });
    void guard.ready().catch(() => undefined);
    await until(() => changes.some(({ state }) => state === 'lost'));
    expect(changes.at(-1)?.reason).toBe('the credentials cannot be had');
  });
});

test('a guard that is closed refuses, and asks for nothing any more', async () => {
  const guard = live();
  const token = await signed(key);
  expect(await statusOf(guard, token)).toBe(200);
  guard.close();
  await pause(50);
  const before = issuer.asked.length;
  await until(async () => (await statusOf(guard, token)) === 503);
  expect([issuer.asked.length, issuer.openStreams()]).toEqual([before, 0]);
});
