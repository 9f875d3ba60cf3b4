import type { Outcome } from './trace.ts';

/** What two outcomes do not have in common. */
export interface Difference {
  readonly here: readonly string[];
  readonly there: readonly string[];
}

export function differenceOf(here: Outcome, there: Outcome): Difference {
  const [ours, theirs] = [linesOf(here), linesOf(there)];
  return { here: without(ours, theirs), there: without(theirs, ours) };
}

export const isNone = ({ here, there }: Difference): boolean => here.length === 0 && there.length === 0;

function linesOf({ answers, left }: Outcome): string[] {
  return [...Object.entries(answers).map(([place, told]) => `answer to ${place}: ${told}`), ...left];
}

/** A line is left out as often as it is among `others`. */
function without(lines: readonly string[], others: readonly string[]): string[] {
  const rest = [...others];
  return lines.filter((line) => {
    const at = rest.indexOf(line);
    if (at >= 0) rest.splice(at, 1);
    return at < 0;
  });
}
