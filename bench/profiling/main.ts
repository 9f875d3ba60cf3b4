import { mkdirSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { Command } from 'commander';
import { HELP_AFTER, listOf, positive } from '../options.ts';
import { type OnStage, runOnStages } from '../process/stage.ts';
import { DATABASES, type DatabaseKind } from '../sides/side.ts';
import { WORKLOADS, type WorkloadName } from '../sides/taskgrant-workloads.ts';
import { type Profiled, profile } from './profile.ts';
import { profileReport } from './report.ts';

const RESULTS = join(import.meta.dirname, '../profile');
const NAMES = Object.keys(WORKLOADS) as WorkloadName[];

interface Given {
  only: readonly WorkloadName[];
  databases: readonly DatabaseKind[];
  seconds: number;
  warmUp: number;
  connections: number;
}

/** `npm run bench:profile`: one readable report and one .cpuprofile for each workload and database. */
async function main(onStage: OnStage): Promise<void> {
  const given = new Command('npm run bench:profile --')
    .description('Shows where the time of a request goes. Writes into bench/profile/.')
    .option('--only <names>', `some of: ${NAMES.join(', ')}`, listOf(NAMES), ['issuance', 'introspection'])
    .option('--databases <names>', `some of: ${DATABASES.join(', ')}`, listOf(DATABASES), DATABASES)
    .option('--seconds <n>', 'recorded time', positive, 10)
    .option('--warm-up <n>', 'seconds of load before', positive, 4)
    .option('--connections <n>', 'connections at the same time', positive, 32)
    .addHelpText('after', HELP_AFTER)
    .parse(process.argv.slice(2), { from: 'user' })
    .opts<Given>();
  mkdirSync(RESULTS, { recursive: true });
  for (const workload of given.only) {
    for (const database of given.databases) {
      console.error(`profiling ${workload} on ${database}`);
      const order = { ...given, workload, database, warmUpSeconds: given.warmUp };
      write(await onStage((stage) => profile(stage, order)));
    }
  }
}

function write(profiled: Profiled): void {
  const { workload, database } = profiled.order;
  const report = profileReport(profiled);
  const file = join(RESULTS, `${workload}-${database}`);
  writeFileSync(`${file}.md`, `${report}\n`);
  profiled.recordings.forEach((recording, thread) =>
    writeFileSync(`${file}.${thread}.cpuprofile`, JSON.stringify(recording.profile)),
  );
  console.log(`${report}\n`);
  console.error(`wrote ${relative(process.cwd(), file)}.md and .cpuprofile`);
}

await runOnStages(main);
