import type { Medians, Summary, Verdict } from './summary.ts';

/** A table in Markdown that is also readable as it is: columns are padded. The first column is text. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) =>
    Math.max(title.length, 3, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join(' | ')} |`;
  const rule = `| ${widths.map((width, i) => (i === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`)).join(' | ')} |`;
  return [line(head), rule, ...rows.map(line)].join('\n');
}

const HEAD = [
  '',
  'requests/s',
  'slowest–fastest',
  'p50 ms',
  'p99 ms',
  'CPU µs',
  'database CPU µs',
  'MB most',
  'MB after',
  'load busy',
  'foreign cores',
];

/** Medians of all lines of a contest; CPU per request. */
export function summaryTable(summaries: readonly Summary[]): string {
  return table(
    HEAD,
    summaries.map((summary) => [summary.name, ...cells(summary, summary.medians)]),
  );
}

function cells({ slowest, fastest }: Summary, medians: Medians | undefined): string[] {
  if (!medians) return HEAD.slice(1).map(() => '–');
  return [
    count(medians.perSecond),
    `${count(slowest)}–${count(fastest)}`,
    medians.p50.toFixed(1),
    medians.p99.toFixed(1),
    medians.serverCpu.toFixed(0),
    medians.databaseCpu?.toFixed(0) ?? '–',
    medians.residentMost.toFixed(0),
    medians.residentAfter.toFixed(0),
    `${(medians.loadBusy * 100).toFixed(0)} %`,
    medians.foreign.toFixed(2),
  ];
}

export function verdictTable(verdicts: readonly Omit<Verdict, 'of'>[]): string {
  return table(
    ['target', 'found', 'met'],
    verdicts.map(({ wanted, found, met }) => [wanted, found, met === undefined ? '–' : met ? 'yes' : 'NO']),
  );
}

function count(value: number): string {
  return Math.round(value).toLocaleString('en');
}
