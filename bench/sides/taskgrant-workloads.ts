import type { Workload } from '../load/messages.ts';
import { makeMany } from '../process/requests.ts';
import { deriveTask, deriving, introspecting, issuing, openTask, type Taskgrant } from './taskgrant.ts';

/** Distinct tokens, so that no answer can come from the one before. */
export const DISTINCT_TOKENS = 10_240;
/** Enough that requests rarely meet at the same parent, few enough that each has room for all its children. */
const PARENTS = 2048;
const CHILDREN_PER_PARENT = 20;

/** What Taskgrant is asked to do under load, with what has to be there before. */
export const WORKLOADS = {
  issuance: async (side) => issuing(side),
  introspection: async (side) => introspecting(side, await tokensAt(side, 0, DISTINCT_TOKENS)),
  'introspection-of-children': async (side) => introspecting(side, await tokensAt(side, 1, DISTINCT_TOKENS)),
  exchange: async (side) => deriving(side, await tokensAt(side, 0, PARENTS)),
} satisfies Record<string, (side: Taskgrant) => Promise<Workload>>;

export type WorkloadName = keyof typeof WORKLOADS;

/** Tokens of as many tasks at a depth, twenty of them below each parent. */
async function tokensAt(side: Taskgrant, depth: number, count: number): Promise<string[]> {
  if (depth === 0) return makeMany(count, async () => (await openTask(side)).access_token);
  return childrenOf(side, await chainsTo(side, depth - 1, Math.ceil(count / CHILDREN_PER_PARENT)), count);
}

/** Tokens of `count` child tasks, the parents taken in turn. */
export function childrenOf(side: Taskgrant, parents: readonly string[], count: number): Promise<string[]> {
  return makeMany(count, async (number) => {
    const parent = parents[number % parents.length] ?? '';
    return (await deriveTask(side, parent)).access_token;
  });
}

/** Tokens of tasks at a depth that share no ancestor. */
export function chainsTo(side: Taskgrant, depth: number, count: number): Promise<string[]> {
  return makeMany(count, async () => {
    let token = await openTask(side);
    for (let level = 0; level < depth; level += 1) token = await deriveTask(side, token.access_token);
    return token.access_token;
  });
}
