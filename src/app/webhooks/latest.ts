/** Remembers a number for each of the names that were set last; of the others it knows nothing any more. */
export interface Latest {
  get(name: string): number | undefined;
  set(name: string, value: number): void;
  entries(): Iterable<readonly [string, number]>;
}

export function createLatest(most: number): Latest {
  const known = new Map<string, number>();
  return {
    get: (name) => known.get(name),
    set(name, value) {
      known.delete(name);
      known.set(name, value);
      const [oldest] = known.keys();
      if (known.size > most && oldest !== undefined) known.delete(oldest);
    },
    entries: () => known.entries(),
  };
}
