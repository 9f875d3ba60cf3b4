import { setTimeout } from 'node:timers/promises';
import type { Knex } from 'knex';
import { type Difference, differenceOf, isNone } from './difference.ts';
import { type Asked, OPERATIONS } from './operations.ts';
import { ordersInTurn } from './orders.ts';
import type { Play } from './outcome.ts';
import { sceneOn } from './scene.ts';
import type { Stage } from './stage.ts';
import { type Last, lastOnes, type Outcome, traceOf } from './trace.ts';

/** A scene of its own with requests that are ready to be sent. */
export type Prepared = Awaited<ReturnType<typeof prepare>>;

export async function prepare(stage: Stage, play: Play) {
  const scene = sceneOn(stage.front);
  const requests: (() => Promise<Asked>)[] = [];
  for (const name of play) requests.push(await OPERATIONS[name](scene));
  /** By place, in the order in which they came. */
  const answers = new Map<number, Asked>();
  return {
    play,
    answers,
    /** Answers of a server that died are lost; what came of them may be anything. */
    async ask(place: number) {
      const answer = await requests[place]?.().catch(() => undefined);
      if (answer && answer.status !== 502) answers.set(place, answer);
    },
    trace: (since: Last) =>
      traceOf(stage.each, stage.db, scene, { since, answers: Object.fromEntries(answers) }),
  };
}

/** After which everything is new: ids of several servers sort by milliseconds. */
export async function beginning(db: Knex): Promise<Last> {
  await setTimeout(2);
  return lastOnes(db);
}

/**
 * Undefined when what is found is what comes of the same requests one after another, in an order in which everything is
 * that was answered with success, and what was lost or refused is or is not. Otherwise what comes closest.
 */
export async function unexplained(stage: Stage, { play, answers }: Prepared, found: Outcome) {
  const differences: Difference[] = [];
  for (const order of likeliestFirst(play, answers)) {
    const { answers: others, left } = await inTurn(stage, play, order, answers);
    const difference = differenceOf(found, { answers: { ...found.answers, ...others }, left });
    if (isNone(difference)) return undefined;
    differences.push(difference);
  }
  const sizeOf = ({ here, there }: Difference) => here.length + there.length;
  const closest = differences.toSorted((a, b) => sizeOf(a) - sizeOf(b)).slice(0, 3);
  return { play, answers: found.answers, closest };
}

/** What comes of them one after another, as far as it was told the first time. */
async function inTurn(stage: Stage, play: Play, order: readonly number[], told: Prepared['answers']) {
  const again = await prepare(stage, play);
  const since = await beginning(stage.db);
  for (const place of order) {
    await again.ask(place);
    if (!told.has(place)) again.answers.delete(place);
  }
  return again.trace(since);
}

/** As they were answered, and without what was refused or lost, which is how most of them are explained. */
function likeliestFirst(play: Play, answers: Prepared['answers']): readonly (readonly number[])[] {
  const isDone = (place: number) => (answers.get(place)?.status ?? Infinity) < 400;
  const places = [...play.keys()];
  const came = [...answers.keys()];
  const at = (place: number) => (answers.has(place) ? came.indexOf(place) : Infinity);
  const overtakings = (order: readonly number[]) =>
    order.flatMap((one, i) => order.slice(i).filter((later) => at(later) < at(one))).length;
  const oddity = (order: readonly number[]) => overtakings(order) + order.length;
  return ordersInTurn(
    places.filter(isDone),
    places.filter((place) => !isDone(place)),
  )
    .map(({ places: order }) => order)
    .toSorted((a, b) => oddity(a) - oddity(b));
}
