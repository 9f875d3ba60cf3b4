import type { Fact } from '../audit/audit-trail.ts';
import type { Change } from '../unit-of-work.ts';

/** Something that a start is to write, with what is told of it. */
export interface Step {
  readonly changes: readonly Change[];
  readonly fact: Fact;
}
