import { z } from 'zod';
import { type BoundRoute, contract, route } from '../contract.ts';
import { Problem } from '../problem.ts';

export interface Pingable {
  /** Rejects when the store does not answer. */
  ping(): Promise<void>;
}

const tags = ['Health'];
const READY_WITHIN_MS = 2000;

const live = contract({
  method: 'get',
  path: '/health/live',
  access: 'anonymous',
  summary: 'The process answers.',
  tags,
  returns: { status: 200, body: z.object({ status: z.literal('ok') }) },
});

const ready = contract({
  ...live,
  path: '/health/ready',
  aliases: ['/health'],
  summary: 'The process and its database answer; 503 otherwise.',
  returns: { status: 200, body: z.object({ status: z.literal('ok'), database: z.literal('ok') }) },
});

export function healthRoutes(store: Pingable): BoundRoute[] {
  return [
    route(live, () => ({ status: 'ok' as const })),
    route(ready, async () => {
      await requireAnswer(store);
      return { status: 'ok' as const, database: 'ok' as const };
    }),
  ];
}

/** @throws Problem 503 when the store fails or takes longer than two seconds. */
async function requireAnswer(store: Pingable): Promise<void> {
  const late = AbortSignal.timeout(READY_WITHIN_MS);
  const timeout = new Promise<never>((_, reject) => {
    late.addEventListener('abort', () => reject(new Error('the store did not answer in time')), {
      once: true,
    });
  });
  try {
    await Promise.race([store.ping(), timeout]);
  } catch {
    throw new Problem(503, 'store_unavailable', 'the database does not answer', {
      headers: { 'Retry-After': '5' },
    });
  }
}
