import { expect } from '@jest/globals';
import type { Answer } from '../../support/requests.ts';

interface Told {
  readonly policy: string;
  readonly limit: number;
  readonly remaining: number;
}

/** What the RateLimit fields say, policy by policy; fails unless they are structured fields of the draft. */
export function told({ headers }: Pick<Answer, 'headers'>): Told[] {
  const [policies, states] = ['ratelimit-policy', 'ratelimit'].map((name) =>
    (headers.get(name) ?? '').split(', '),
  );
  expect(states).toHaveLength(policies?.length ?? 0);
  const listed = (policies ?? []).map((text, i) => {
    const policy = /^"([a-z-]+)";q=(\d+);w=(\d+)$/.exec(text);
    const state = /^"([a-z-]+)";r=(\d+);t=(\d+)$/.exec(states?.[i] ?? '');
    expect([text, state?.[1]]).toEqual([text, policy?.[1]]);
    expect(Number(state?.[3])).toBeGreaterThanOrEqual(1);
    expect(Number(state?.[3])).toBeLessThanOrEqual(Number(policy?.[3]));
    return { policy: policy?.[1] ?? '', limit: Number(policy?.[2]), remaining: Number(state?.[2]) };
  });
  const [limit, remaining, reset] = ['limit', 'remaining', 'reset'].map((name) =>
    Number(headers.get(`x-ratelimit-${name}`)),
  );
  expect(listed).toContainEqual(expect.objectContaining({ limit, remaining }));
  expect(remaining).toBe(Math.min(...listed.map((one) => one.remaining)));
  expect(Number(reset)).toBeGreaterThan(Date.now() / 1000 - 1);
  return listed;
}

export function expectTooMany(answer: Answer, policy: string): void {
  expect(answer.status).toBe(429);
  const wait = Number(answer.headers.get('retry-after'));
  expect(wait).toBeGreaterThanOrEqual(1);
  expect(wait).toBeLessThanOrEqual(3600);
  expect(told(answer).find((one) => one.policy === policy)).toMatchObject({ remaining: 0 });
  if (/json/.test(answer.headers.get('content-type') ?? '')) expect(answer.body.retry_after).toBe(wait);
}

export const OAUTH_TOO_MANY = {
  error: 'invalid_request',
  error_description: expect.stringMatching(/try again in \d+ seconds$/),
  retry_after: expect.any(Number),
};
