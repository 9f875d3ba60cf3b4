import { z } from 'zod';
import { type BoundRoute, contract, route } from '../contract.ts';
import { Problem } from '../problem.ts';

export interface Pingable {
  /** Rejects when the store does not answer. */
  ping(): Promise<void>;
}

/** Whether the server has been told to end. */
export type Draining = () => boolean;

const tags = ['Health'];
const READY_WITHIN_MS = 2000;
const RETRY = { headers: { 'Retry-After': '5' } };

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
  summary: 'The process and its database answer and it is not about to end; 503 otherwise.',
  returns: { status: 200, body: z.object({ status: z.literal('ok'), database: z.literal('ok') }) },
});

export function healthRoutes(store: Pingable, draining: Draining = () => false): BoundRoute[] {
  return [
    route(live, () => ({ status: 'ok' as const })),
    route(ready, async () => {
      // Load balancers stop sending; whatever they still send is answered.
      if (draining()) throw new Problem(503, 'draining', 'the server is about to end', RETRY);
      await requireAnswer(store);
      return { status: 'ok' as const, database: 'ok' as const };
    }),
  ];
}

/** @throws Problem 503 when the store fails or takes longer than two seconds. */
async function requireAnswer(store: Pingable): Promise<void> {
  try {
    await answeringInTime(() => store.ping());
  } catch {
    throw new Problem(503, 'store_unavailable', 'the database does not answer', RETRY);
  }
}

/** Nobody waits longer for an answer, not even for one that others are waiting for. @throws what `ping` does, or Error. */
export async function answeringInTime(ping: Pingable['ping']): Promise<void> {
  const late = AbortSignal.timeout(READY_WITHIN_MS);
  const timeout = new Promise<never>((_, reject) => {
    late.addEventListener('abort', () => reject(new Error('the store did not answer in time')), {
      once: true,
    });
  });
  await Promise.race([ping(), timeout]);
}
