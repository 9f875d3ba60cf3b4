import { isDeepStrictEqual } from 'node:util';
import { expect } from '@jest/globals';
import type { Door, Granted, Outcome } from './door.ts';
import { fateOf, type Holding, type ModelGrant, type ModelTask, type ModelToken } from './model/nouns.ts';
import type { Terms, Verdict } from './model/openings.ts';
import { least } from './model/rules.ts';
import { isNearItsEnd } from './scene.ts';

/** Asks `expect` only for its words: it makes three hundred functions at each call, and here are a million of them. */
export function expectSame(actual: unknown, expected: unknown): void {
  if (!isDeepStrictEqual(actual, expected)) expect(actual).toEqual(expected);
}

/** The server refused what the model refuses, for one of the model's reasons, and granted what the model grants. */
export function expectAgreement(door: Door, complaints: readonly string[], outcome: Outcome): void {
  if ('granted' in outcome) {
    const { holding } = outcome.granted;
    if (complaints.length > 0) expect({ granted: holding, though: complaints }).toMatchObject({ though: [] });
    return;
  }
  const { refused } = outcome;
  if (complaints.length === 0) expect({ refused, for: complaints }).not.toMatchObject({ for: [] });
  if (door.tolerance === 0 && !complaints.includes(refused)) expect(complaints).toContain(refused);
}

export function expectHolding({ holding }: Granted, expected: Holding): void {
  expectSame(sorted(holding), sorted(expected));
}

export function expectTerms(door: Door, granted: Granted, terms: Terms): void {
  const { depth, maxDepth, maxChildren, bound } = granted;
  const expected = {
    depth: terms.depth,
    maxDepth: terms.maxDepth,
    maxChildren: terms.maxChildren,
    delegates: terms.delegates,
    bound: { verifier: terms.secret !== null, key: terms.key !== null },
  };
  expectSame({ depth, maxDepth, maxChildren, bound, delegates: granted.delegates }, expected);
  expectTime(door, granted.expiresAt, terms.expiresAt);
}

/** INVARIANT of every token: it never outlives its task, nor the lifetime of its kind. */
export function expectLifetime(door: Door, at: number, task: ModelTask, seconds: number): void {
  expectTime(door, at, least(door.now() + seconds * 1000, task.expiresAt));
}

function expectTime({ tolerance }: Door, actual: number, expected: number): void {
  if (Math.abs(actual - expected) <= tolerance) return;
  expect(new Date(actual).toISOString()).toBe(new Date(expected).toISOString());
}

function sorted(holding: Holding): Record<string, readonly string[]> {
  const { scope, audiences, tools, resources } = holding;
  return Object.fromEntries(
    Object.entries({ scope, audiences, tools, resources }).map(([name, list]) => [name, list.toSorted()]),
  );
}

/** What the model remembers of a new task. */
export function modelTask(
  granted: Granted,
  verdict: Verdict & { readonly terms: Terms },
  rest: Pick<
    ModelTask,
    'agent' | 'agentEpoch' | 'subject' | 'subjectEpoch' | 'forUser' | 'door' | 'parent'
  > & {
    readonly grant: ModelGrant;
  },
): ModelTask {
  return {
    ...rest,
    ...verdict.terms,
    ...verdict.holding,
    id: granted.taskId,
    // What the server says is within the tolerance of what the model expects; it is what will happen.
    expiresAt: granted.expiresAt,
    children: 0,
    ended: false,
  };
}

export function modelToken(
  task: ModelTask,
  holding: Holding,
  rest: Pick<ModelToken, 'kind' | 'value' | 'expiresAt'> & Partial<ModelToken>,
): ModelToken {
  const { scope, audiences, tools, resources } = holding;
  return {
    scope,
    audiences,
    tools,
    resources,
    task,
    id: undefined,
    audience: null,
    key: task.key,
    madeFrom: null,
    delegateTo: null,
    used: null,
    ended: false,
    endedAlone: false,
    ...rest,
  };
}

/** INVARIANT: a token that the model says is dead is never live, and one that it says is live is live. */
export async function expectFate(door: Door, token: ModelToken): Promise<void> {
  if (isNearItsEnd(door, token) || isNearItsEnd(door, token.task)) return;
  const expected = fateOf(token, door.now());
  const actual = await door.fateOf(token);
  const agreed = actual === expected || (actual === 'dead' && expected !== 'live');
  if (!agreed) expect({ token: nameOf(token), is: actual }).toEqual({ token: nameOf(token), is: expected });
}

function nameOf({ kind, id, value, task }: ModelToken): string {
  return `${kind} token ${(id ?? value).slice(0, 8)} of ${task.agent.name}'s task ${task.id.slice(0, 12)} at depth ${task.depth}`;
}
