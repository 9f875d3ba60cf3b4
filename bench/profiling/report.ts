import { table } from '../report/tables.ts';
import { DATABASE_NAMES } from '../sides/side.ts';
import { type Share, timeSpent } from './cpu-profile.ts';
import type { Profiled } from './profile.ts';
import type { Recording } from './recording.ts';

const GROUPS = 25;
const FUNCTIONS = 45;
const OWN = 45;
const SQL_SHOWN = 180;

/** Everything that a profile tells, as Markdown. */
export function profileReport({ order, result, cpu, recordings }: Profiled): string {
  const { workload, database, connections } = order;
  const failures = result.failed > 0 ? `, ${result.failed} failed (${result.firstFailure})` : '';
  return [
    `# ${workload} on ${DATABASE_NAMES[database]}`,
    `${result.answered} answers in ${result.seconds.toFixed(1)} s over ${connections} connections while being ` +
      `recorded${failures}: p50 ${result.p50.toFixed(1)} ms, p99 ${result.p99.toFixed(1)} ms, ` +
      `${cpu.toFixed(0)} µs of CPU per request. Recording costs time: compare profiles with one another only.`,
    ...recordings.map((recording) => threadReport(recording, result.answered)),
  ].join('\n\n');
}

/** The functions that take most time themselves: for a target that was missed. */
export function topFunctions({ recordings }: Profiled, count: number): string {
  const [main] = recordings;
  if (!main) return '';
  const { groups, functions } = timeSpent(main.profile);
  return [
    sharesTable('by package', groups.slice(0, 12)),
    sharesTable('by function', functions.slice(0, count)),
  ].join('\n\n');
}

function threadReport(recording: Recording, answered: number): string {
  const { thread, seconds, garbage, loopBusy, loopDelayP99, profile } = recording;
  const spent = timeSpent(profile);
  const percent = (share: number) => `${(share * 100).toFixed(1)} %`;
  return [
    `## ${thread === 'main' ? 'Main thread' : 'Worker thread'}`,
    `Busy ${percent(spent.busy)} of ${seconds.toFixed(1)} s; event loop busy ${percent(loopBusy)}, delayed by ` +
      `${loopDelayP99.toFixed(1)} ms (p99). Garbage collection: ${garbage.count} pauses, ` +
      `${percent(garbage.total / 1000 / seconds)} of the time, the longest ${garbage.longest.toFixed(1)} ms.`,
    '### Statements',
    statementsTable(recording, answered),
    '### Time of functions themselves, by package',
    sharesTable('package or part', spent.groups.slice(0, GROUPS)),
    '### Time of functions themselves',
    sharesTable('function', spent.functions.slice(0, FUNCTIONS)),
    '### Own functions with all that they call',
    'What happens after an `await` belongs to whoever continues it.',
    sharesTable('function', spent.own.slice(0, OWN)),
  ].join('\n\n');
}

function statementsTable({ statements }: Recording, answered: number): string {
  const perRequest = (count: number) => (count / Math.max(1, answered)).toFixed(3);
  const all = statements.reduce((sum, { count }) => sum + count, 0);
  const rows = statements.map(({ sql, count, total, mean, p99 }) => [
    `\`${sql.length > SQL_SHOWN ? `${sql.slice(0, SQL_SHOWN)}…` : sql}\``.replaceAll('|', '\\|'),
    String(count),
    perRequest(count),
    mean.toFixed(3),
    p99.toFixed(3),
    ((total * 1000) / Math.max(1, answered)).toFixed(0),
  ]);
  const head = ['statement', 'executed', 'per request', 'mean ms', 'p99 ms', 'µs per request'];
  return table(head, [...rows, ['all', String(all), perRequest(all), '', '', '']]);
}

function sharesTable(title: string, shares: readonly Share[]): string {
  return table(
    [title, 'share'],
    shares.map(({ name, share }) => [name, `${(share * 100).toFixed(1)} %`]),
  );
}
