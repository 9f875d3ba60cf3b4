import type { Contest, Finding } from '../cases/contest.ts';
import type { Summary, Verdict } from './summary.ts';
import { summaryTable, verdictTable } from './tables.ts';

/** A contest and what came of it. */
export interface Outcome {
  readonly contest: Contest;
  readonly summaries: readonly Summary[];
  readonly verdicts: readonly Verdict[];
  readonly findings: readonly Finding[];
}

export function contestReport({ contest, summaries, verdicts, findings }: Outcome): string {
  const failed = summaries.flatMap(({ name, counted, repetitions, failure }) =>
    failure ? [`- ${name}: ${counted} of ${repetitions} repetitions count; ${failure}`] : [],
  );
  const notes = [...failed, ...contest.notes.map((note) => `- ${note}`)];
  const rows = [...verdicts, ...findings.map((finding) => ({ ...finding, wanted: finding.what }))];
  return [
    `## ${contest.title}`,
    ...(summaries.length > 0 ? [summaryTable(summaries)] : []),
    ...(notes.length > 0 ? [notes.join('\n')] : []),
    ...(rows.length > 0 ? [verdictTable(rows)] : []),
  ].join('\n\n');
}
