import type { Pace } from '../measure.ts';
import type { OnStage } from '../process/stage.ts';
import { profile } from '../profiling/profile.ts';
import { topFunctions } from '../profiling/report.ts';
import { DATABASE_NAMES } from '../sides/side.ts';
import type { Outcome } from './contest-report.ts';

const FUNCTIONS = 25;
const SECONDS = 5;

/** For each line of Taskgrant that missed a target: where its time goes. */
export async function missedProfiles(
  outcomes: readonly Outcome[],
  { connections, warmUpSeconds }: Pace,
  onStage: OnStage,
): Promise<string[]> {
  const missed = outcomes.flatMap(({ contest, verdicts }) => {
    const names = new Set(verdicts.filter(({ met }) => met === false).map(({ of }) => of));
    return contest.lines.flatMap(({ name, profile: order }) => (order && names.has(name) ? [order] : []));
  });
  const reports: string[] = [];
  for (const { workload, database } of missed) {
    console.error(`profiling ${workload} on ${database}, which missed a target`);
    const order = { workload, database, connections, warmUpSeconds, seconds: SECONDS };
    const profiled = await onStage((stage) => profile(stage, order));
    reports.push(
      `## Profile of a miss: ${workload} on ${DATABASE_NAMES[database]}`,
      'Time of functions themselves, main thread.',
      topFunctions(profiled, FUNCTIONS),
    );
  }
  return reports;
}
