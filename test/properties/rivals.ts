import { setImmediate } from 'node:timers/promises';
import { afterAll, beforeAll, describe } from '@jest/globals';
import type { AppContext } from '../../src/app/context.ts';
import { deriveTask } from '../../src/app/issuance/derive-task.ts';
import { handOff } from '../../src/app/issuance/hand-off.ts';
import type { Issued, TokenCommand } from '../../src/app/issuance/issuance.ts';
import { type ResolvedToken, resolveToken } from '../../src/app/tokens/resolve-token.ts';
import type { Agent } from '../../src/domain/agent.ts';
import { DomainError } from '../../src/domain/errors.ts';
import type { TaskRequest } from '../../src/domain/task-request.ts';
import { CALLER, createTestContext, type TestContext } from '../support/app-context.ts';
import { anAgent } from '../support/fixtures.ts';
import { createDatabase } from '../support/postgres.ts';

export const SECRET = 'the-secret-of-the-process-that-started-the-task';

/** Runs the stories on the embedded database and on PostgreSQL, where the other node is a second server. */
export function onBothDatabases(
  name: string,
  stories: (context: () => AppContext, otherNode: () => AppContext) => void,
): void {
  for (const kind of ['SQLite', 'PostgreSQL'] as const) {
    describe(`${name} (${kind})`, () => {
      let nodes: TestContext[] = [];
      let drop: (() => Promise<void>) | undefined;
      beforeAll(async () => {
        const database = kind === 'PostgreSQL' ? await createDatabase() : undefined;
        drop = database?.drop;
        nodes = [await createTestContext({ databaseUrl: database?.url })];
        if (database) nodes.push(await createTestContext({ databaseUrl: database.url }));
      });
      afterAll(async () => {
        for (const node of nodes) await node.close();
        await drop?.();
      });
      const node = (at: number) => (nodes.at(at) as TestContext).context;
      stories(
        () => node(0),
        () => node(-1),
      );
    });
  }
}

/** A new active agent. */
export async function newAgent(context: AppContext, over: Partial<Agent> = {}): Promise<Agent> {
  const agent = anAgent(over);
  const miss = new DomainError('conflict', 'the id is taken');
  await context.store.commit({
    id: context.ids.next(),
    guards: [],
    changes: [{ do: 'insert_agent', agent, miss }],
    events: [],
  });
  return agent;
}

/** A request by the process that knows SECRET. */
export function commandOf(context: AppContext, agent: Agent, request: TaskRequest = {}): TokenCommand {
  return {
    caller: { actor: agent.clientId, origin: CALLER.origin },
    agent,
    publicClient: false,
    request,
    resources: [],
    detailed: false,
    refreshAllowed: true,
  };
}

/** A child below the token, by whoever; `challenge` for another client than the parent's. */
export function deriveBelow(
  context: AppContext,
  agent: Agent,
  parent: Issued,
  request: TaskRequest = { answer: context.digests.sha256(SECRET) },
): Promise<Issued> {
  const parentToken = parent.access.value;
  return deriveTask(context, {
    ...commandOf(context, agent, request),
    parentToken,
    origin: 'token_exchange',
  });
}

export function handOffTo(
  context: AppContext,
  agent: Agent,
  parent: Issued,
  to: Agent,
  request: TaskRequest = { answer: context.digests.sha256(SECRET) },
): Promise<Issued> {
  const command = commandOf(context, agent, request);
  return handOff(context, { ...command, parentToken: parent.access.value, delegateTo: to.clientId });
}

/** The same system, where something else happens at the moment when a unit of work is handed in. */
export function interrupted(context: AppContext, round: number, interrupt: () => Promise<unknown>) {
  let other: Promise<unknown> | undefined;
  const commit: AppContext['store']['commit'] = async (unit) => {
    other ??= after(round % 3, interrupt);
    await after((round * 5) % 7, async () => undefined);
    return context.store.commit(unit);
  };
  return { context: { ...context, store: { ...context.store, commit } }, other: async () => other };
}

/** Lets a rival start a little later, from round to round. */
async function after<T>(turns: number, start: () => Promise<T>): Promise<T> {
  for (let i = 0; i < turns; i += 1) await setImmediate();
  return start();
}

export async function resolved(context: AppContext, { access }: Issued): Promise<ResolvedToken> {
  const found = await resolveToken(context, access.value);
  if (!found) throw new Error('an issued token is not recognised');
  return found;
}

/** What became of rivals that all started at once: what was granted, and the codes of the refusals. */
export async function race<T>(
  rivals: readonly (() => Promise<T>)[],
): Promise<{ granted: T[]; refused: string[] }> {
  const results = await Promise.allSettled(rivals.map((start) => start()));
  return {
    granted: results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : [])),
    refused: results.flatMap((result) => (result.status === 'rejected' ? [codeOf(result.reason)] : [])),
  };
}

function codeOf(error: unknown): string {
  if (!(error instanceof DomainError)) throw error;
  return error.code;
}

export function times<T>(count: number, make: (i: number) => T): T[] {
  return Array.from({ length: count }, (_, i) => make(i));
}
