import type { Workload } from '../load/messages.ts';
import type { Stage } from '../process/stage.ts';
import type { DatabaseKind, Side } from '../sides/side.ts';
import type { WorkloadName } from '../sides/taskgrant-workloads.ts';

/** One line of a table: a server and what it is asked over and over. */
export interface Line {
  readonly name: string;
  readonly side: Side;
  readonly workload: Workload;
  /** How to profile it, where it is Taskgrant. */
  readonly profile?: { readonly workload: WorkloadName; readonly database: DatabaseKind };
}

/** What is wanted of a line, in numbers. */
export type Target =
  | { readonly kind: 'speed'; readonly of: string; readonly against: string; readonly atLeast: number }
  /** Cost is time per request: the rate of `against` divided by the rate of `of`. */
  | { readonly kind: 'cost'; readonly of: string; readonly against: string; readonly atMost: number }
  | { readonly kind: 'p99'; readonly of: string; readonly below: number }
  | { readonly kind: 'memory'; readonly of: string; readonly below: number };

/** Lines that are measured in turn, and what is wanted of them. */
export interface Contest {
  readonly title: string;
  readonly lines: readonly Line[];
  readonly targets: readonly Target[];
  /** What could not be measured here, and why. */
  readonly notes: readonly string[];
  /** What is measured in another way, once the lines are done. */
  readonly afterwards?: () => Promise<readonly Finding[]>;
}

/** What a case may use to prepare. */
export interface Preparation {
  readonly stage: Stage;
  readonly databases: readonly DatabaseKind[];
  /** Shorter preparations for a first look. */
  readonly quick: boolean;
  readonly progress: (text: string) => void;
}

/** Something measured that is not a rate, with what is wanted of it if anything is. */
export interface Finding {
  readonly what: string;
  readonly found: string;
  readonly met: boolean | undefined;
}

export const MEMORY_LIMIT_MB = 200;
