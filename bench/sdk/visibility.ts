import { setTimeout } from 'node:timers/promises';
import type { Finding } from '../cases/contest.ts';
import { makeMany } from '../process/requests.ts';
import { median } from '../report/summary.ts';
import { type ProtectedApi, statusAt } from '../sides/protected-api.ts';
import { openTask, type Taskgrant } from '../sides/taskgrant.ts';
import { revoke } from './revoking.ts';

const WITHIN_MS = 250;
const GIVE_UP_MS = 10_000;
const LOOK_EVERY_MS = 2;

/** From the moment that a revocation is asked for until every one of the APIs refuses the token. */
export async function visibility(
  name: string,
  taskgrant: Taskgrant,
  apis: readonly ProtectedApi[],
  revocations: number,
): Promise<Finding> {
  const tokens = await makeMany(revocations, () => openTask(taskgrant));
  const administrator = await taskgrant.administrator();
  const times: number[] = [];
  for (const token of tokens) {
    const before = await Promise.all(apis.map((api) => statusAt(api, token.access_token)));
    if (before.some((status) => status !== 200)) throw new Error(`not let in: ${before.join(', ')}`);
    const asked = performance.now();
    const seen = apis.map((api) => untilRefused(api, token.access_token, asked));
    await revoke(taskgrant, administrator, token);
    times.push(...(await Promise.all(seen)));
  }
  const sorted = times.toSorted((a, b) => a - b);
  const p99 = sorted[Math.ceil(sorted.length * 0.99) - 1] ?? Infinity;
  return {
    what: `${name}: a revocation is visible at ${apis.length} resource servers within ${WITHIN_MS} ms (p99)`,
    found:
      `${p99.toFixed(0)} ms (median ${median(times).toFixed(0)} ms, most ${sorted.at(-1)?.toFixed(0)} ms, ` +
      `${revocations} revocations)`,
    met: p99 <= WITHIN_MS,
  };
}

async function untilRefused(api: ProtectedApi, token: string, since: number): Promise<number> {
  for (;;) {
    const status = await statusAt(api, token);
    const spent = performance.now() - since;
    if (status === 401) return spent;
    if (spent > GIVE_UP_MS) return Infinity;
    await setTimeout(LOOK_EVERY_MS);
  }
}
