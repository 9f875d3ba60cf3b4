import type { Knex } from 'knex';
import type { UnitOfWork } from '../../../src/app/unit-of-work.ts';
import { UnavailableError } from '../../../src/domain/unavailable.ts';
import type { Nodes } from '../nodes.ts';
import { type Asked, OPERATIONS, type OperationName } from './operations.ts';
import { sceneOn } from './scene.ts';
import type { Order } from './orders.ts';
import { lastOnes, type Outcome, traceOf } from './trace.ts';

/** Requests that are there to be asked, by their places. */
export type Play = readonly OperationName[];

/** Makes a scene of its own, asks, and tells what came of it in words that do not depend on which scene it is. */
export async function outcomeOf(nodes: Nodes, db: Knex, play: Play, order: Order): Promise<Outcome> {
  const scene = sceneOn(nodes.front);
  const prepared: (() => Promise<Asked>)[] = [];
  for (const name of play) prepared.push(await OPERATIONS[name](scene));
  const since = await lastOnes(db);
  const answers: Record<number, Asked> = {};
  const ask = async (place: number) => {
    const answer = await prepared[place]?.();
    if (answer) answers[place] = answer;
  };
  await askInOrder(nodes, order, ask);
  // What a browser is told first is of no account: it goes on by itself.
  for (const [place, { goOn }] of Object.entries(answers)) if (goOn) answers[Number(place)] = await goOn();
  return traceOf(nodes.each, db, scene, { since, answers });
}

/** What is left by a request whose server dies when it has written so often, and how often it did. */
export async function outcomeOfDying(nodes: Nodes, db: Knex, name: OperationName, after: number) {
  const scene = sceneOn(nodes.front);
  const ask = await OPERATIONS[name](scene);
  const since = await lastOnes(db);
  const dead = Promise.withResolvers<undefined>();
  const late: ((dead: Error) => void)[] = [];
  let writes = 0;
  const restore = beforeWrites(nodes, async () => {
    if (writes === after) {
      dead.resolve(undefined);
      // A process that has died tells nobody.
      await new Promise((_, reject) => late.push(reject));
    }
    writes += 1;
  });
  const answer = await Promise.race([dead.promise, ask()]);
  restore();
  const { left } = await traceOf(nodes.each, db, scene, { since, answers: {} });
  for (const end of late) end(new UnavailableError('database_unavailable', 'the server died'));
  return { status: answer?.status, writes, left };
}

type Ask = (places: readonly number[]) => Promise<void>;

async function askInOrder(nodes: Nodes, { how, places }: Order, one: (place: number) => Promise<void>) {
  const inTurn: Ask = async (some) => {
    for (const place of some) await one(place);
  };
  const together: Ask = async (some) => void (await Promise.all(some.map(one)));
  const nested: Ask = (some) => within(some, nested);
  async function within([first, ...others]: readonly number[], inner: Ask): Promise<void> {
    if (first === undefined) return;
    if (others.length === 0) return one(first);
    let happening: Promise<void> | undefined;
    const happen = () => (happening ??= inner(others));
    const restore = beforeNextWrite(nodes, happen);
    await one(first);
    restore();
    // Of its own where nothing was written, and not over yet where somebody else wrote.
    await happen();
  }
  const ask: Readonly<Record<Order['how'], Ask>> = {
    'in turn': inTurn,
    together,
    within: (some) => within(some, together),
    nested,
  };
  await ask[how](places);
}

const ENGINE_WRITES = ['upsert', 'insert', 'update', 'destroy', 'destroyByGrant'] as const;

/** Has something happen before the next write that changes anything, of ours or of the engine, at whichever server. */
function beforeNextWrite(nodes: Nodes, happen: () => Promise<void>): () => void {
  const restore = beforeWrites(nodes, async (written) => {
    if ((written as Partial<UnitOfWork> | undefined)?.changes?.length === 0) return;
    restore();
    await happen();
  });
  return restore;
}

/** The same before every write, even one that tells of something and changes nothing. */
function beforeWrites({ each }: Nodes, happen: (written: unknown) => Promise<void>): () => void {
  const undo: (() => void)[] = [];
  function hook<T extends object>(owner: T, names: readonly (keyof T)[]) {
    for (const name of names) {
      const write = owner[name] as (...given: unknown[]) => unknown;
      undo.push(() => Object.assign(owner, { [name]: write }));
      const held = async (...given: unknown[]) => {
        await happen(given[0]);
        return write.apply(owner, given);
      };
      Object.assign(owner, { [name]: held });
    }
  }
  for (const { taskgrant } of each) {
    hook(taskgrant.store, ['commit']);
    hook(taskgrant.store.artifacts, ENGINE_WRITES);
  }
  return () => {
    for (const one of undo.splice(0)) one();
  };
}
