import { permissionCovers } from './permission.ts';
import type { Scope } from './scope.ts';

/** The right among `held` that includes another; itself rather than a wildcard. */
export function includedIn(held: Scope, right: string): string | null {
  if (held.includes(right)) return right;
  return held.find((own) => permissionCovers(own, right)) ?? null;
}

/** What was recorded for the right, or for the one that includes it. */
export function recordedFor(reasons: Readonly<Record<string, string>>, right: string): string | null {
  const name = includedIn(Object.keys(reasons), right);
  return name === null ? null : (reasons[name] ?? null);
}
