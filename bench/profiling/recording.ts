/** What the recorder in the profiled process writes when it is told to stop. Times in milliseconds. */
export interface Recording {
  readonly thread: 'main' | 'worker';
  readonly seconds: number;
  readonly statements: readonly StatementRecord[];
  readonly garbage: { readonly count: number; readonly total: number; readonly longest: number };
  /** Share of the time in which the event loop had something to do. */
  readonly loopBusy: number;
  readonly loopDelayP99: number;
  readonly profile: CpuProfile;
}

/** All executions of one statement; lists of values of any length count as the same. */
export interface StatementRecord {
  readonly sql: string;
  readonly count: number;
  readonly total: number;
  readonly mean: number;
  readonly p99: number;
}

/** The format of .cpuprofile files, as far as it is used here. Times in microseconds. */
export interface CpuProfile {
  readonly nodes: readonly ProfileNode[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

export interface ProfileNode {
  readonly id: number;
  readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  readonly children?: readonly number[];
}

/** The signal that starts a recording, and ends it when it comes again. */
export const RECORD_SIGNAL = 'SIGUSR2';
/** Variable that names the directory for recordings. */
export const RECORD_TO = 'TASKGRANT_BENCH_RECORD_TO';
export const RECORDING_SUFFIX = '.recording.json';
