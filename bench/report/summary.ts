import type { Target } from '../cases/contest.ts';
import type { Measured, Sample } from '../measure.ts';

/** The medians of a line over the repetitions that count: those without a failure. */
export interface Summary {
  readonly name: string;
  /** Undefined when no repetition counts. */
  readonly medians: Medians | undefined;
  readonly counted: number;
  readonly repetitions: number;
  readonly slowest: number;
  readonly fastest: number;
  readonly failure: string | undefined;
}

export interface Medians {
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
  readonly serverCpu: number;
  readonly databaseCpu: number | undefined;
  readonly residentMost: number;
  readonly residentAfter: number;
  readonly loadBusy: number;
  readonly foreign: number;
}

export function summarise({ line, samples }: Measured): Summary {
  const good = samples.filter(({ result }) => result.failed === 0 && result.answered > 0);
  const rates = good.map(({ perSecond }) => perSecond);
  const failed = samples.find(({ result }) => result.failed > 0 || result.answered === 0);
  return {
    name: line.name,
    medians: good.length === 0 ? undefined : mediansOf(good),
    counted: good.length,
    repetitions: samples.length,
    slowest: Math.min(...rates),
    fastest: Math.max(...rates),
    failure:
      failed && `${failed.result.failed} failures, such as: ${failed.result.firstFailure ?? 'no answer'}`,
  };
}

function mediansOf(samples: readonly Sample[]): Medians {
  const of = (value: (sample: Sample) => number) => median(samples.map(value));
  return {
    perSecond: of(({ perSecond }) => perSecond),
    p50: of(({ result }) => result.p50),
    p99: of(({ result }) => result.p99),
    serverCpu: of(({ serverCpu }) => serverCpu),
    databaseCpu:
      samples[0]?.databaseCpu === undefined ? undefined : of(({ databaseCpu }) => databaseCpu ?? Number.NaN),
    residentMost: Math.max(...samples.map(({ residentMost }) => residentMost)),
    residentAfter: of(({ residentAfter }) => residentAfter),
    loadBusy: of(({ loadBusy }) => loadBusy),
    foreign: of(({ foreign }) => foreign),
  };
}

/** The middle value; NaN of nothing. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  if (sorted.length % 2 === 1) return sorted[Math.floor(middle)] ?? Number.NaN;
  return ((sorted[middle - 1] ?? Number.NaN) + (sorted[middle] ?? Number.NaN)) / 2;
}

/** A target, what came of it, and whether that is enough. */
export interface Verdict {
  readonly wanted: string;
  readonly found: string;
  /** Undefined: it could not be measured. */
  readonly met: boolean | undefined;
  readonly of: string;
}

export function judge(target: Target, summaries: readonly Summary[]): Verdict {
  const medians = (name: string) => summaries.find((summary) => summary.name === name)?.medians;
  const own = medians(target.of);
  const verdict = (
    wanted: string,
    value: number | undefined,
    show: (value: number) => string,
    met: boolean,
  ) => ({
    wanted,
    found: value === undefined ? 'not measured' : show(value),
    met: value === undefined ? undefined : met,
    of: target.of,
  });
  const times = (value: number) => `${value.toFixed(2)} ×`;
  const effort = (name: string) => {
    const found = medians(name);
    return found && found.serverCpu + (found.databaseCpu ?? 0);
  };
  switch (target.kind) {
    case 'speed': {
      const ratio = quotient(own?.perSecond, medians(target.against)?.perSecond);
      const wanted = `${target.of}: at least ${target.atLeast} × ${target.against}`;
      const byCpu = quotient(effort(target.against), effort(target.of));
      return verdict(
        wanted,
        ratio,
        (value) => `${times(value)} (CPU ${times(byCpu ?? 0)})`,
        (ratio ?? 0) >= target.atLeast,
      );
    }
    case 'cost': {
      const ratio = quotient(medians(target.against)?.perSecond, own?.perSecond);
      const wanted = `${target.of}: costs at most ${target.atMost} × ${target.against}`;
      const byCpu = quotient(effort(target.of), effort(target.against));
      return verdict(
        wanted,
        ratio,
        (value) => `${times(value)} (CPU ${times(byCpu ?? 0)})`,
        (ratio ?? Infinity) <= target.atMost,
      );
    }
    case 'p99': {
      const wanted = `${target.of}: 99th percentile below ${target.below} ms`;
      return verdict(wanted, own?.p99, (ms) => `${ms.toFixed(1)} ms`, (own?.p99 ?? Infinity) < target.below);
    }
    case 'memory': {
      const most = own?.residentMost;
      const wanted = `${target.of}: below ${target.below} MB resident`;
      return verdict(wanted, most, (mb) => `${mb.toFixed(0)} MB`, (most ?? Infinity) < target.below);
    }
  }
}

function quotient(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? undefined : a / b;
}
