import { DomainError } from './errors.ts';

/** A set of rights, each one an OAuth scope token (RFC 6749 §3.3), without duplicates. */
export type Scope = readonly string[];

const SCOPE_TOKEN = /^[\x21\x23-\x5B\x5D-\x7E]{1,128}$/;
const WILDCARD = '*';
const SEPARATOR = ':';
const MAX_RIGHTS = 100;

/**
 * Reads the space-separated form of RFC 6749 §3.3.
 * @throws DomainError `parameter_invalid` for characters outside the grammar or more than 100 rights.
 */
export function parseScope(text: string): Scope {
  const rights = [...new Set(text.split(' ').filter((right) => right !== ''))];
  if (rights.length > MAX_RIGHTS) {
    throw new DomainError('parameter_invalid', `scope may name at most ${MAX_RIGHTS} rights`);
  }
  const malformed = rights.find((right) => !SCOPE_TOKEN.test(right));
  if (malformed !== undefined) {
    throw new DomainError('parameter_invalid', 'scope contains characters outside RFC 6749 section 3.3');
  }
  return rights;
}

export function formatScope(scope: Scope): string {
  return scope.join(' ');
}

/**
 * Whether one held right includes another. Rights are compared component by component (`service:resource:action`);
 * `*` in the held right stands for any one component, never the reverse.
 */
export function rightCovers(held: string, asked: string): boolean {
  if (held === asked) return true;
  const heldParts = held.split(SEPARATOR);
  const askedParts = asked.split(SEPARATOR);
  if (heldParts.length !== askedParts.length) return false;
  return heldParts.every((part, i) => part === askedParts[i] || (part === WILDCARD && askedParts[i] !== ''));
}

/** Whether every right of `asked` is included in `held`. An empty `asked` is always covered. */
export function covers(held: Scope, asked: Scope): boolean {
  return wider(held, asked).length === 0;
}

/** The rights of `asked` that `held` does not include. */
export function wider(held: Scope, asked: Scope): string[] {
  return asked.filter((right) => !held.some((own) => rightCovers(own, right)));
}

/** What both sides allow: the narrower of each comparable pair. INVARIANT: covered by `a` and by `b`. */
export function intersect(a: Scope, b: Scope): Scope {
  const common = [...a.filter((right) => covers(b, [right])), ...b.filter((right) => covers(a, [right]))];
  return [...new Set(common)];
}
