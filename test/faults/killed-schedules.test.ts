import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { seedOfRun } from '../properties/sequences.ts';
import { BROWSER_OPERATIONS } from './pairs/browser-operations.ts';
import { beginning, type Prepared, prepare, unexplained } from './pairs/explanation.ts';
import { OPERATIONS, type OperationName } from './pairs/operations.ts';
import { type Stage, STAGES } from './pairs/stage.ts';
import { brokenRows } from './wholeness.ts';

/** `npm run test:faults` asks for twenty kills of each database. */
const ROUNDS = Number(process.env['KILL_ROUNDS'] ?? 2);
/** Played at once, so that what is killed was about to be committed together. */
const SCENES = 5;
const SEED = seedOfRun();

/** A browser whose answer is lost cannot go on from where it is: see dying-between-writes.test.ts. */
const NAMES = (Object.keys(OPERATIONS) as OperationName[]).filter((name) => !(name in BROWSER_OPERATIONS));

/** What is asked in one scene, and when after the beginning of the round, in milliseconds. */
type Schedule = readonly (readonly [OperationName, number])[];

interface Round {
  readonly schedules: readonly Schedule[];
  /** So that there are some, however busy the machine is. */
  readonly killAfterAnswers: number;
  readonly killAfterMs: number;
  /** Which of the servers. */
  readonly victim: number;
}

const MOMENT = fc.nat(30);
const REQUESTS = fc.array(fc.tuple(fc.constantFrom(...NAMES), MOMENT), { minLength: 2, maxLength: 3 });
/** In half of them the first request comes twice: two clients with one credential. */
const SCHEDULE = fc.tuple(REQUESTS, fc.option(MOMENT)).map(([requests, again]): Schedule => {
  const [[first] = []] = requests;
  return first === undefined || again === null ? requests : [...requests, [first, again]];
});
const ROUND: fc.Arbitrary<Round> = fc.record({
  schedules: fc.array(SCHEDULE, { minLength: SCENES, maxLength: SCENES }),
  killAfterAnswers: fc.integer({ min: 1, max: 2 * SCENES }),
  killAfterMs: fc.nat(8),
  victim: fc.nat(1),
});

/** The first is killed as soon as anything is answered: later, everything may have been, and no answer is lost. */
function roundsOf(seed: number): readonly Round[] {
  const rounds = fc.sample(ROUND, { seed, numRuns: ROUNDS });
  return rounds.map((round, at) => (at === 0 ? { ...round, killAfterAnswers: 1, killAfterMs: 0 } : round));
}

/** What no webhook is to be told twice. */
const DOUBLED = 'SELECT event_id FROM webhook_deliveries GROUP BY webhook_id, event_id HAVING count(*) > 1';

async function doubledDeliveries({ db }: Stage): Promise<readonly unknown[]> {
  const answer = await db.raw(DOUBLED);
  return answer.rows ?? answer;
}

/** Sends what the scenes ask, kills a server in the middle of it, and starts it again. @returns how many answers came. */
async function askAndKill(stage: Stage, round: Round, scenes: readonly Prepared[]): Promise<number> {
  const asking = scenes.flatMap((scene, at) =>
    (round.schedules[at] ?? []).map(async ([, afterMs], place) => {
      await setTimeout(afterMs);
      await scene.ask(place);
    }),
  );
  const answered = () => scenes.reduce((sum, { answers }) => sum + answers.size, 0);
  while (answered() < round.killAfterAnswers) await setTimeout(1);
  await setTimeout(round.killAfterMs);
  const killed = stage.processes[round.victim % stage.processes.length];
  await killed?.kill();
  await Promise.all(asking);
  await killed?.start();
  return answered();
}

/** @returns how many answers were lost. */
async function playRound(stage: Stage, round: Round): Promise<number> {
  const plays = round.schedules.map((schedule) => schedule.map(([name]) => name));
  const scenes: Prepared[] = [];
  for (const play of plays) scenes.push(await prepare(stage, play));
  const since = await beginning(stage.db);
  const answered = await askAndKill(stage, round, scenes);

  const outcomes = [];
  for (const scene of scenes) outcomes.push(await scene.trace(since));
  const wrong = [];
  for (const [at, scene] of scenes.entries()) {
    const found = outcomes[at];
    const unexpected = found && (await unexplained(stage, scene, found));
    if (unexpected) wrong.push(unexpected);
  }
  expect({ round, wrong }).toEqual({ round, wrong: [] });
  const statuses = scenes.flatMap(({ answers }) => [...answers.values()].map(({ status }) => status));
  expect(Math.max(...statuses)).toBeLessThan(500);
  return plays.flat().length - answered;
}

describe.each(Object.entries(STAGES))(
  `killed in the middle of many things (%s, TASKGRANT_SEED=${SEED})`,
  (_kind, open) => {
    let stage: Stage;
    beforeAll(async () => {
      stage = await open();
    }, 60_000);
    afterAll(() => stage?.stop());

    test(
      'has done what it answered, and all or nothing of the rest',
      async () => {
        let lost = 0;
        for (const round of roundsOf(SEED)) {
          lost += await playRound(stage, round);
          expect(await brokenRows(stage.db)).toEqual({});
          expect(await doubledDeliveries(stage)).toEqual([]);
        }
        expect(lost).toBeGreaterThan(0);
      },
      ROUNDS * 60_000,
    );
  },
);
