/** How many there are of each name, and in all. */
export interface Tally {
  of(name: string): number;
  total(): number;
  /** Those of which there is at least one. */
  names(): readonly string[];
  add(name: string): void;
  takeAway(name: string): void;
}

export function createTally(): Tally {
  const counts = new Map<string, number>();
  let total = 0;
  return {
    of: (name) => counts.get(name) ?? 0,
    total: () => total,
    names: () => [...counts.keys()],
    add(name) {
      counts.set(name, (counts.get(name) ?? 0) + 1);
      total += 1;
    },
    takeAway(name) {
      const left = (counts.get(name) ?? 0) - 1;
      if (left > 0) counts.set(name, left);
      else counts.delete(name);
      total -= 1;
    },
  };
}
