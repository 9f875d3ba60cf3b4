import { setTimeout } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import { caughtUp, type FeedFollower, rowFor } from '../../support/feed-follower.ts';
import { registerResourceServer } from '../../support/parties.ts';
import { send } from '../../support/requests.ts';
import { revocationsScene } from './scene.ts';

const { on, follow, page, aRevokedTask } = revocationsScene();

describe('following', () => {
  test('tells everything from the start, then what is revoked, at once and in its order', async () => {
    const known = await page();
    const follower = await follow();
    const { status, headers } = follower;
    const told = ['content-type', 'cache-control', 'x-accel-buffering'].map((name) => headers.get(name));
    expect([status, ...told]).toEqual([200, 'text/event-stream', 'no-store', 'no']);
    await follower.until(caughtUp);
    expect(follower.rows()).toEqual(known.revocations);
    const handles: string[] = [];
    for (let i = 0; i < 5; i += 1) handles.push(await aRevokedTask());
    await follower.until(rowFor(handles.at(-1) ?? ''));
    expect(
      follower
        .rows()
        .slice(known.revocations.length)
        .map(([, , one]) => one),
    ).toEqual(handles);
    const [last] = follower.rows().at(-1) ?? [];
    await follower.until(({ heads }) => heads().find(({ head }) => head === last));
    expect(follower.lastId()).toBe(last);
    await follower.close();
  });

  test('proves every second that nothing happened', async () => {
    const follower = await follow();
    await follower.until(({ heads }) => (heads().length >= 4 ? true : undefined));
    const heads = follower.messages.filter(({ event }) => event === 'head');
    for (const [i, { at, data }] of heads.entries()) {
      expect(data.head).toBe(heads[0]?.data.head);
      const before = heads[i - 1];
      if (!before) continue;
      expect(at - before.at).toBeLessThan(1500);
      expect(data.at).toBeGreaterThan(before.data.at);
    }
    await follower.close();
  });

  test('goes on where it was cut, without a gap and without a repetition', async () => {
    const first = await follow();
    await first.until(caughtUp);
    const seen = await aRevokedTask();
    await first.until(rowFor(seen));
    const [last, rows] = [first.lastId(), first.rows()];
    await first.close();
    const missed = [await aRevokedTask(), await aRevokedTask()];
    const second = await follow('', { ...on.api.headers, 'last-event-id': String(last) });
    await second.until(rowFor(missed[1] ?? ''));
    expect(second.rows().map(([, , one]) => one)).toEqual(missed);
    expect([...rows, ...second.rows()]).toEqual((await page()).revocations);
    await second.close();
    // The query says the same, for clients that cannot set the header.
    const third = await follow(`?after=${last}`);
    await third.until(caughtUp);
    expect(third.rows()).toEqual(second.rows());
    await third.close();
  });

  test('tells a place beyond the end that the ledger is another one, and begins anew', async () => {
    const follower = await follow('?after=999999');
    await follower.until(caughtUp);
    expect(follower.messages[0]).toMatchObject({ event: 'reset', id: 0 });
    expect(follower.rows()).toEqual((await page()).revocations);
    await follower.close();
  });

  test.each(['-1', 'abc', '1.5', '99999999999999999999'])('an id %s was never sent', async (id) => {
    const headers = { ...on.api.headers, 'last-event-id': id };
    expect(await send(on.server, '/api/revocations/stream', { headers })).toMatchObject({ status: 400 });
  });

  test('a look at the headers takes no place', async () => {
    for (let i = 0; i < 5; i += 1) {
      const head = await send(on.server, '/api/revocations/stream', {
        method: 'HEAD',
        headers: on.api.headers,
      });
      expect(head.status).toBe(200);
    }
  });
});

describe('more followers than there may be', () => {
  test('are told to come back, until one leaves', async () => {
    const crowd = await registerResourceServer(on.server);
    const places = [];
    for (let i = 0; i < 3; i += 1) places.push(await follow('', crowd.headers));
    expect(places.map(({ status }) => status)).toEqual([200, 200, 200]);
    const late = await follow('', crowd.headers);
    expect([late.status, late.headers.get('retry-after')]).toEqual([503, '1']);
    const waiting = await send(on.server, '/api/revocations?after=0&wait=5&limit=1', {
      headers: crowd.headers,
    });
    // What need not wait takes no place.
    expect(waiting.status).toBe(200);
    const other = await follow();
    expect(other.status).toBe(200);
    await other.close();
    await places[0]?.close();
    const again = await untilAdmitted(crowd.headers);
    expect(again.status).toBe(200);
    for (const one of [...places.slice(1), again]) await one.close();
  });

  /** The server notices a moment later that somebody has left. */
  async function untilAdmitted(headers: Record<string, string>): Promise<FeedFollower> {
    for (let attempt = 0; ; attempt += 1) {
      const follower = await follow('', headers);
      if (follower.status === 200 || attempt === 40) return follower;
      await setTimeout(25);
    }
  }
});
