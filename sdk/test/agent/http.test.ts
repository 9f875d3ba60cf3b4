import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { TaskgrantError } from '../../src/shared/errors.ts';
import { createHttp, type HttpOptions } from '../../src/shared/http.ts';

/** How calls are bounded and repeated, with a network and a clock of their own. */
const URL = 'https://auth.example.com/x?secret=hush';
const request = { method: 'POST', url: URL, headers: {} };

type Reply = Response | 'unreachable' | 'silent';

function json(status: number, body: object = {}, headers: Record<string, string> = {}): Response {
  return new Response(JSON.stringify(body), {
    status,
    headers: { 'content-type': 'application/json', ...headers },
  });
}

/** A network that gives these replies, one after the other, and remembers when it was asked. */
function network(replies: readonly (() => Reply)[], options: HttpOptions = {}) {
  const waits: number[] = [];
  let now = 0;
  let asked = 0;
  const clock = {
    now: () => now,
    sleep: async (milliseconds: number) => {
      waits.push(milliseconds);
      now += milliseconds;
    },
  };
  const fetch = (async (_url: string, init: RequestInit) => {
    const reply = (replies[asked] ?? replies.at(-1))?.();
    asked += 1;
    if (reply === 'unreachable') throw new TypeError('fetch failed');
    if (reply !== 'silent') return reply;
    return new Promise<never>((_resolve, reject) => {
      init.signal?.addEventListener('abort', () => reject(init.signal?.reason as Error));
    });
  }) as unknown as typeof globalThis.fetch;
  const http = createHttp({ fetch, clock, random: () => 0.5, ...options });
  return { http, waits, asked: () => asked };
}

const repeatable = { repeatable: true };

describe('a call', () => {
  test('is repeated after 1, 2 and 4 seconds when nothing answers or the server fails', async () => {
    const { http, waits } = network([
      () => 'unreachable',
      () => json(503),
      () => json(500),
      () => json(200, { ok: true }),
    ]);
    expect((await http.call(() => request, repeatable)).body).toEqual({ ok: true });
    expect(waits).toEqual([1000, 2000, 4000]);
  });

  test('gives up after the last attempt, with what the server said', async () => {
    const refusal = { code: 'overloaded', detail: 'too busy' };
    const { http, asked } = network([() => json(503, refusal, { 'x-request-id': 'r-1' })]);
    const error = await http.call(() => request, repeatable).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(TaskgrantError);
    expect(error).toMatchObject({
      status: 503,
      code: 'overloaded',
      message: 'too busy',
      requestId: 'r-1',
      retryable: true,
    });
    expect(asked()).toBe(4);
  });

  test('waits as long as the server asks, and not at all when that is too long', async () => {
    const patient = network([() => json(429, {}, { 'retry-after': '7' }), () => json(200)]);
    await patient.http.call(() => request, repeatable);
    expect(patient.waits).toEqual([7000]);
    const refused = network([() => json(429, {}, { 'retry-after': '31' })]);
    await expect(refused.http.call(() => request, repeatable)).rejects.toMatchObject({
      status: 429,
      retryAfter: 31,
    });
    expect(refused.asked()).toBe(1);
  });

  test('that must not be done twice is repeated after a 429 alone', async () => {
    for (const reply of [() => 'unreachable' as const, () => json(500), () => json(503)]) {
      const { http, asked } = network([reply]);
      await expect(http.call(() => request, { repeatable: false })).rejects.toMatchObject({
        retryable: true,
      });
      expect(asked()).toBe(1);
    }
    const limited = network([() => json(429), () => json(201)]);
    expect((await limited.http.call(() => request, { repeatable: false })).status).toBe(201);
  });

  test('is not repeated when the server refuses it', async () => {
    for (const status of [400, 401, 403, 404, 409, 422]) {
      const { http, asked } = network([
        () => json(status, { error: 'invalid_grant', task_error: 'parent_revoked' }),
      ]);
      await expect(http.call(() => request, repeatable)).rejects.toMatchObject({
        status,
        code: 'invalid_grant',
        taskError: 'parent_revoked',
        retryable: false,
      });
      expect(asked()).toBe(1);
    }
  });

  test('takes no longer than an attempt may, and says which host was silent but not what it was asked', async () => {
    const { http } = network([() => 'silent'], { timeout: 20, maxRetries: 0 });
    const error = (await http
      .call(() => request, repeatable)
      .catch((thrown: unknown) => thrown)) as TaskgrantError;
    expect(error).toMatchObject({ code: 'timeout', retryable: true });
    expect(error.status).toBeUndefined();
    expect(error.message).toBe('auth.example.com did not answer in time');
  });

  test('begins no attempt after its deadline, or after the time within which a repetition is safe', async () => {
    const late = network([() => 'unreachable'], { deadline: 2500 });
    await expect(late.http.call(() => request, repeatable)).rejects.toMatchObject({ code: 'network_error' });
    expect(late.waits).toEqual([1000]);
    const unsafe = network([() => 'unreachable']);
    await expect(unsafe.http.call(() => request, { repeatable: true, within: 3500 })).rejects.toBeInstanceOf(
      TaskgrantError,
    );
    expect(unsafe.waits).toEqual([1000, 2000]);
  });

  test('ends with the reason of its signal, while it runs and while it waits', async () => {
    const stop = new AbortController();
    const silent = network([() => 'silent']);
    const running = silent.http.call(() => request, { repeatable: true, signal: stop.signal });
    stop.abort(new Error('enough'));
    await expect(running).rejects.toThrow('enough');

    const waiting = createHttp({ fetch: async () => Response.json({}, { status: 503 }) });
    const later = new AbortController();
    const call = waiting.call(() => request, { repeatable: true, signal: later.signal });
    setTimeout(() => later.abort(new Error('stop waiting')), 20);
    await expect(call).rejects.toThrow('stop waiting');
  });

  test('follows no redirect', async () => {
    const moved = new Response(null, { status: 302, headers: { location: 'https://elsewhere.example.com' } });
    const { http, asked } = network([() => moved]);
    await expect(http.call(() => request, repeatable)).rejects.toMatchObject({
      code: 'http_302',
      status: 302,
    });
    expect(asked()).toBe(1);
  });

  test.each(['', '<html>', '{"detail":'])(
    'is repeated after a failure that holds no JSON: "%s"',
    async (text) => {
      const headers = { 'content-type': 'application/json', 'retry-after': '2' };
      const failed = () => new Response(text, { status: 503, headers });
      const { http, waits } = network([failed, () => json(200, { ok: true })]);
      expect((await http.call(() => request, repeatable)).body).toEqual({ ok: true });
      expect(waits).toEqual([2000]);
    },
  );

  test('quotes no answer that cannot be read', async () => {
    const broken = () =>
      new Response('{"access_token":"hush', { headers: { 'content-type': 'application/json' } });
    const { http } = network([broken]);
    const error = (await http
      .call(() => request, repeatable)
      .catch((thrown: unknown) => thrown)) as TaskgrantError;
    expect(error.code).toBe('answer_invalid');
    expect(`${error.message} ${JSON.stringify(error)} ${String(error.cause)}`).not.toContain('hush');
  });

  test('waits between three and five quarters of its step, whatever the dice say (property)', async () => {
    await fc.assert(
      fc.asyncProperty(fc.double({ min: 0, max: 0.999, noNaN: true }), async (dice) => {
        const { http, waits } = network([() => 'unreachable'], { random: () => dice });
        await http.call(() => request, repeatable).catch(() => undefined);
        expect(waits).toHaveLength(3);
        waits.forEach((wait, i) => {
          expect(wait).toBeGreaterThanOrEqual(750 * 2 ** i);
          expect(wait).toBeLessThanOrEqual(1250 * 2 ** i);
        });
      }),
      { numRuns: 50 },
    );
  });
});
