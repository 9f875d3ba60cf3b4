import { DomainError } from './errors.ts';
import { isWildcard, MOST_RIGHTS, permissionCovers, permissionFault } from './permission.ts';

/** A set of rights (see permission.ts), each one an OAuth scope token (RFC 6749 §3.3), without duplicates. */
export type Scope = readonly string[];

/**
 * Reads the space-separated form of RFC 6749 §3.3.
 * @throws DomainError `parameter_invalid` for characters outside that grammar or more than 100 rights,
 * `permission_invalid` for what is no right of ours.
 */
export function parseScope(text: string): Scope {
  const rights = [...new Set(text.split(' ').filter((right) => right !== ''))];
  if (rights.length > MOST_RIGHTS) {
    throw new DomainError('parameter_invalid', `scope may name at most ${MOST_RIGHTS} rights`);
  }
  for (const right of rights) requireWellFormed(right);
  return rights;
}

export function formatScope(scope: Scope): string {
  return scope.join(' ');
}

function requireWellFormed(right: string): void {
  const fault = permissionFault(right);
  if (fault === undefined) return;
  if (fault.kind === 'form') throw new DomainError('permission_invalid', `${right} ${fault.reason}`);
  throw new DomainError('parameter_invalid', `scope: each right ${fault.reason}`);
}

/** The rights that a token gets without asking for them by name. */
export function concrete(scope: Scope): Scope {
  return scope.filter((right) => !isWildcard(right));
}

/** Whether every right of `asked` is included in `held`. An empty `asked` is always covered. */
export function covers(held: Scope, asked: Scope): boolean {
  return wider(held, asked).length === 0;
}

/** The rights of `asked` that `held` does not include. */
export function wider(held: Scope, asked: Scope): string[] {
  return asked.filter((right) => !held.some((own) => permissionCovers(own, right)));
}

/** What both sides allow: the narrower of each comparable pair. INVARIANT: covered by `a` and by `b`. */
export function intersect(a: Scope, b: Scope): Scope {
  const common = [...a.filter((right) => covers(b, [right])), ...b.filter((right) => covers(a, [right]))];
  return [...new Set(common)];
}
