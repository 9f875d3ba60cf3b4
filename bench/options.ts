import { Command, InvalidArgumentError } from 'commander';
import type { Pace } from './measure.ts';
import { DATABASES, type DatabaseKind } from './sides/side.ts';

export interface BenchOptions {
  readonly only: readonly string[];
  readonly databases: readonly DatabaseKind[];
  readonly quick: boolean;
  /** Whether lines that miss a target are profiled. */
  readonly profileMisses: boolean;
  /** Whether bench/results.md is written. */
  readonly write: boolean;
  readonly pace: Pace;
}

const USUAL = { seconds: 5, repetitions: 3, connections: 32, warmUp: 2 };
const QUICK = { ...USUAL, seconds: 1, repetitions: 1, warmUp: 1 };

/** For the help of the benchmark and of the profiler. */
export const HELP_AFTER =
  '\nBENCH_PRODUCT=<directory> measures the Taskgrant of another checkout, such as an earlier release.';

interface Given {
  only?: readonly string[];
  databases?: readonly DatabaseKind[];
  quick?: boolean;
  profile: boolean;
  write?: boolean;
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
    .option(
      '--warm-up <n>',
      `seconds of load before each, twice that before the first (default ${USUAL.warmUp})`,
      positive,
    )
    .option('--repetitions <n>', `how often each line is measured (default ${USUAL.repetitions})`, positive)
    .option('--connections <n>', `connections at the same time (default ${USUAL.connections})`, positive)
    .option('--quick', 'a first look: one short repetition, less data')
    .option('--no-profile', 'do not profile what misses its target')
    .option('--write', 'write the results even if only a part was run');
  program.addHelpText('after', HELP_AFTER);
  program.parse(argv, { from: 'user' });
  const given = program.opts<Given>();
  const whole = given.only === undefined && given.databases === undefined && !given.quick;
  const usual = given.quick ? QUICK : USUAL;
  return {
    only: given.only ?? cases,
    databases: given.databases ?? DATABASES,
    quick: given.quick ?? false,
    profileMisses: given.profile && (given.write ?? whole),
    write: given.write ?? whole,
    pace: {
      connections: given.connections ?? usual.connections,
      seconds: given.seconds ?? usual.seconds,
      warmUpSeconds: given.warmUp ?? usual.warmUp,
      repetitions: given.repetitions ?? usual.repetitions,
    },
  };
}

export function listOf<T extends string>(known: readonly T[]) {
  return (text: string): T[] =>
    text.split(',').map((name) => {
      const found = known.find((one) => one === name.trim());
      if (found === undefined) throw new InvalidArgumentError(`one of ${known.join(', ')}`);
      return found;
    });
}

export function positive(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('a whole number from 1');
  return value;
}
