import { covers } from '../scope.ts';

const WILDCARD = '*';

/**
 * Whether two rights, each perhaps with wildcards, can mean the same thing: `reports:*` and `*:read` meet in
 * `reports:read`.
 */
export function overlap(a: string, b: string): boolean {
  if (covers([a], [b]) || covers([b], [a])) return true;
  const [left, right] = [a.split(':'), b.split(':')];
  return (
    left.length === right.length &&
    left.every((part, i) => part === right[i] || part === WILDCARD || right[i] === WILDCARD)
  );
}

/** The names that touch one of the listed ones. */
export function touching(listed: readonly string[], names: readonly string[]): string[] {
  return names.filter((name) => listed.some((one) => overlap(one, name)));
}

/** Whether nothing of the names lies outside the listed ones. */
export function within(listed: readonly string[], names: readonly string[]): boolean {
  return covers(listed, names);
}
