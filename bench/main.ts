import type { Contest, Preparation } from './cases/contest.ts';
import { introspection } from './cases/introspection.ts';
import { issuance } from './cases/issuance.ts';
import { measure } from './measure.ts';
import { type BenchOptions, readOptions } from './options.ts';
import { createStage, type Stage } from './process/stage.ts';
import { judge, summarise } from './report/summary.ts';
import { summaryTable, verdictTable } from './report/tables.ts';

const CASES: Record<string, (preparation: Preparation) => Promise<Contest>> = { issuance, introspection };

/** `npm run bench`: every case in turn, each with servers of its own. */
async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2), Object.keys(CASES));
  let stage = createStage();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void stage.clear().finally(() => process.exit(130)));
  }
  for (const name of options.only) {
    stage = createStage();
    try {
      console.log(await runCase(name, options, stage));
    } finally {
      await stage.clear();
    }
  }
}

async function runCase(name: string, options: BenchOptions, stage: Stage): Promise<string> {
  const progress = (text: string) => console.error(`${name}: ${text}`);
  const contest = await CASES[name]?.({ ...options, stage, progress });
  if (!contest) throw new Error(`there is no case ${name}`);
  const summaries = (await measure(contest, options.pace, progress)).map(summarise);
  const verdicts = contest.targets.map((target) => judge(target, summaries));
  return [
    `\n## ${contest.title}\n`,
    summaryTable(summaries),
    ...summaries.flatMap(({ name: line, counted, repetitions, failure }) =>
      failure ? [`\n- ${line}: ${counted} of ${repetitions} repetitions count; ${failure}`] : [],
    ),
    ...contest.notes.map((note) => `\n- ${note}`),
    '',
    verdictTable(verdicts),
  ].join('\n');
}

await main();
