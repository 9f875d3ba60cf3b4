import type { SigningKey } from './signing-key.ts';

/** Importing a key costs as much as signing: once for each, forgotten with it. */
export function oncePerKey<T extends object>(make: (key: SigningKey) => T): (key: SigningKey) => T {
  const made = new WeakMap<SigningKey, T>();
  return (key) => {
    const known = made.get(key);
    if (known !== undefined) return known;
    const fresh = make(key);
    made.set(key, fresh);
    return fresh;
  };
}
