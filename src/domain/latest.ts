/** Remembers a value for each of the names that were set last; of the others it knows nothing any more. */
export interface Latest<V> {
  get(name: string): V | undefined;
  set(name: string, value: V): void;
  entries(): Iterable<readonly [string, V]>;
}

export function createLatest<V>(most: number): Latest<V> {
  const known = new Map<string, V>();
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
