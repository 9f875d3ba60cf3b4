import { Command, InvalidArgumentError } from 'commander';
import type { Pace } from './measure.ts';
import type { DatabaseKind } from './sides/side.ts';

export interface BenchOptions {
  readonly only: readonly string[];
  readonly databases: readonly DatabaseKind[];
  readonly quick: boolean;
  readonly pace: Pace;
}

const DATABASES: readonly DatabaseKind[] = ['postgres', 'sqlite'];
const USUAL = { seconds: 8, repetitions: 3, connections: 32, warmUp: 3 };
const QUICK = { ...USUAL, seconds: 2, repetitions: 1, warmUp: 1 };

interface Given {
  only?: readonly string[];
  databases?: readonly DatabaseKind[];
  quick?: boolean;
  seconds?: number;
  warmUp?: number;
  repetitions?: number;
  connections?: number;
}

/** What `npm run bench -- …` was asked for. Ends the process on wrong usage and after --help. */
export function readOptions(argv: readonly string[], cases: readonly string[]): BenchOptions {
  const program = new Command('npm run bench --')
    .description('Measures Taskgrant and what it is compared with. Starts and ends everything itself.')
    .option('--only <names>', `some of: ${cases.join(', ')}`, listOf(cases))
    .option('--databases <names>', `some of: ${DATABASES.join(', ')}`, listOf(DATABASES))
    .option('--seconds <n>', `measured time of each repetition (default ${USUAL.seconds})`, positive)
    .option('--warm-up <n>', `seconds of load before each (default ${USUAL.warmUp})`, positive)
    .option('--repetitions <n>', `how often each line is measured (default ${USUAL.repetitions})`, positive)
    .option('--connections <n>', `connections at the same time (default ${USUAL.connections})`, positive)
    .option('--quick', 'a first look: one short repetition, less data');
  program.parse(argv, { from: 'user' });
  const given = program.opts<Given>();
  const usual = given.quick ? QUICK : USUAL;
  return {
    only: given.only ?? cases,
    databases: given.databases ?? DATABASES,
    quick: given.quick ?? false,
    pace: {
      connections: given.connections ?? usual.connections,
      seconds: given.seconds ?? usual.seconds,
      warmUpSeconds: given.warmUp ?? usual.warmUp,
      repetitions: given.repetitions ?? usual.repetitions,
    },
  };
}

function listOf<T extends string>(known: readonly T[]) {
  return (text: string): T[] =>
    text.split(',').map((name) => {
      const found = known.find((one) => one === name.trim());
      if (found === undefined) throw new InvalidArgumentError(`one of ${known.join(', ')}`);
      return found;
    });
}

function positive(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('a whole number from 1');
  return value;
}
