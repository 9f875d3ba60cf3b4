import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Contest, Preparation } from './cases/contest.ts';
import { depth } from './cases/depth.ts';
import { exchange } from './cases/exchange.ts';
import { introspection } from './cases/introspection.ts';
import { issuance } from './cases/issuance.ts';
import { sdk } from './cases/sdk.ts';
import { stored } from './cases/stored.ts';
import { measure } from './measure.ts';
import { type BenchOptions, readOptions } from './options.ts';
import { type OnStage, runOnStages, type Stage } from './process/stage.ts';
import { contestReport, type Outcome } from './report/contest-report.ts';
import { machineFacts } from './report/machine.ts';
import { missedProfiles } from './report/misses.ts';
import { judge, summarise } from './report/summary.ts';

/** The server beside others, and the SDK beside the server. */
const RESULTS = 'results.md';
const RESULTS_OF_THE_SDK = 'results-sdk.md';
const CASES: Record<string, (preparation: Preparation) => Promise<Contest>> = {
  issuance,
  introspection,
  exchange,
  depth,
  stored,
  sdk,
};

/** `npm run bench`: every case in turn, each with servers of its own; then a profile of what missed its target. */
async function main(onStage: OnStage): Promise<void> {
  const options = readOptions(process.argv.slice(2), Object.keys(CASES));
  const facts = await onStage((own) => machineFacts(own, new Date()));
  const outcomes: Outcome[] = [];
  for (const name of options.only) {
    const outcome = await onStage((own) => runCase(name, options, own));
    console.log(contestReport(outcome));
    outcomes.push(outcome);
  }
  const { repetitions, seconds, warmUpSeconds, connections } = options.pace;
  const profiles = options.profileMisses ? await missedProfiles(outcomes, options.pace, onStage) : [];
  const head = [
    '# Results of the benchmark',
    'Written by `npm run bench`; [performance.md](../docs/performance.md) says how to read it.',
    facts.join('\n'),
    `Medians of ${repetitions} × ${seconds} s at ${connections} connections, after ${warmUpSeconds} s of warm-up each.`,
  ];
  const ofTheSdk = outcomes.filter((_outcome, i) => options.only[i] === 'sdk');
  const ofTheServer = outcomes.filter((outcome) => !ofTheSdk.includes(outcome));
  const write = (file: string, parts: readonly string[]) =>
    writeFileSync(join(import.meta.dirname, file), `${[...head, ...parts].join('\n\n')}\n`);
  if (!options.write) return;
  if (ofTheServer.length > 0) write(RESULTS, [...ofTheServer.map(contestReport), ...profiles]);
  if (ofTheSdk.length > 0) write(RESULTS_OF_THE_SDK, ofTheSdk.map(contestReport));
}

async function runCase(name: string, options: BenchOptions, own: Stage): Promise<Outcome> {
  const progress = (text: string) => console.error(`${name}: ${text}`);
  const contest = await CASES[name]?.({ ...options, stage: own, progress });
  if (!contest) throw new Error(`there is no case ${name}`);
  const summaries = (await measure(contest, options.pace, progress)).map(summarise);
  const verdicts = contest.targets.map((target) => judge(target, summaries));
  const findings = (await contest.afterwards?.()) ?? [];
  return { contest, summaries, verdicts, findings };
}

await runOnStages(main);
