import sequencer from '@jest/test-sequencer';

/** What the package exports to modules is the class, and not, as its types have it, an object that holds it. */
const Sequencer = sequencer as unknown as typeof sequencer.default;

type Tests = Parameters<InstanceType<typeof Sequencer>['sort']>[0];
type Test = Tests[number];

/** Suites that mostly wait, for servers that die and databases that answer late, and how long they usually take. */
const WAITING = { path: /\/test\/faults\//, ms: 13_000 };
/** Suites that compute for longer than all others. */
const LONG = { path: /\/test\/properties\/random-operations/, ms: 35_000 };
const SHORT_MS = 1_400;

/**
 * Three workers on two processors: while some wait, others compute. Those that compute longest come first, so that
 * none is left alone at the end.
 */
export default class BalancedOrder extends Sequencer {
  override async sort(tests: Tests): Promise<Tests> {
    const sorted = await super.sort(tests);
    const { waiting = [], long = [], short = [] } = Object.groupBy(sorted, kindOf);
    return inTurn(waiting, [...long, ...short]);
  }
}

function kindOf({ path }: Test): 'waiting' | 'long' | 'short' {
  if (WAITING.path.test(path)) return 'waiting';
  return LONG.path.test(path) ? 'long' : 'short';
}

/** Both lists as one, so that neither is ever far ahead of the other in time. */
function inTurn(some: Tests, others: Tests): Tests {
  const queues = [some, others].map((tests) => ({ left: [...tests], spent: 0 }));
  return Array.from({ length: some.length + others.length }, () => {
    const [next] = queues.filter(({ left }) => left.length > 0).toSorted((a, b) => a.spent - b.spent);
    const test = next?.left.shift() as Test;
    if (next) next.spent += usualMs(test);
    return test;
  });
}

/** As it was in the last run, where that is known. */
function usualMs(test: Test): number {
  if (test.duration !== undefined) return test.duration;
  return { waiting: WAITING.ms, long: LONG.ms, short: SHORT_MS }[kindOf(test)];
}
