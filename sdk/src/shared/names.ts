/** `taskId` → `task_id` */
type Snake<T extends string> = T extends `${infer Head}${infer Tail}`
  ? `${Head extends Lowercase<Head> ? Head : `_${Lowercase<Head>}`}${Snake<Tail>}`
  : T;

export type SnakeMembers<T> = { [K in keyof T & string as Snake<K>]: Exclude<T[K], undefined> };

/** The members of a request under their names on the wire; absent ones are left out, values stay as they are. */
export function wireNames<T extends object>(members: T): Partial<SnakeMembers<T>> {
  const wire = Object.entries(members)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => [name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`), value]);
  return Object.fromEntries(wire) as Partial<SnakeMembers<T>>;
}

/** `?a=1&b=2` of the members under their names on the wire; empty when there are none. */
export function queryOf(members: object): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(wireNames(members))) query.set(name, String(value));
  return query.size > 0 ? `?${query.toString()}` : '';
}
