/** Components of a permission are `service:resource:action`. */
const SEPARATOR = ':';
const WILDCARD = '*';
/** RFC 6749 §3.3: scope-token. */
const SCOPE_TOKEN = /^[\x21\x23-\x5B\x5D-\x7E]+$/;
/** Rights that one may ask for, or be granted, by name. */
export const MOST_RIGHTS = 100;
const MOST_CHARACTERS = 128;
const MOST_IN_A_PART = 64;
/** Shorter names are looked at as one: three parts and more say where their wildcards stand. */
const PARTS_WITH_ORDER = 3;
/** Names that mean something else wherever a record is asked for them. */
const RESERVED: ReadonlySet<string> = new Set([...Object.getOwnPropertyNames(Object.prototype), 'prototype']);

/** What is wrong with a name of a right: RFC 6749 does not know it, or it is none of ours. */
export interface PermissionFault {
  readonly kind: 'characters' | 'form';
  /** Follows the name in a sentence. */
  readonly reason: string;
}

/**
 * The one grammar of rights, whether they are asked, granted or registered: a flat name (`read_weather`), or components
 * (`zendesk:tickets:read`). A wildcard stands for whole components: `zendesk:tickets:*`, `zendesk:*:*`, `*:*:*`. Rights of
 * two components (`example:read`, `*:read`) are older than the three levels; their wildcard may stand at either place.
 * @returns undefined for a well-formed right. Total: any text gets an answer.
 */
export function permissionFault(text: string): PermissionFault | undefined {
  if (text.length === 0 || text.length > MOST_CHARACTERS) {
    return { kind: 'characters', reason: `must have 1 to ${MOST_CHARACTERS} characters` };
  }
  if (!SCOPE_TOKEN.test(text)) {
    return { kind: 'characters', reason: 'must be printable ASCII without spaces, quotes and backslashes' };
  }
  const reason = formFault(text.split(SEPARATOR));
  return reason === undefined ? undefined : { kind: 'form', reason };
}

function formFault(parts: readonly string[]): string | undefined {
  if (parts.includes('')) return 'has an empty part';
  const reserved = parts.find((part) => RESERVED.has(part));
  if (reserved !== undefined) return `has a reserved name as a part: ${reserved}`;
  if (parts.some((part) => part !== WILDCARD && part.includes(WILDCARD))) {
    return 'has a wildcard within a part: it stands for whole parts only';
  }
  return parts.length < PARTS_WITH_ORDER ? undefined : levelFault(parts);
}

function levelFault(parts: readonly string[]): string | undefined {
  if (parts.some((part) => part.length > MOST_IN_A_PART)) {
    return `has a part of more than ${MOST_IN_A_PART} characters`;
  }
  const first = parts.indexOf(WILDCARD);
  if (first >= 0 && parts.slice(first).some((part) => part !== WILDCARD)) {
    return 'has a wildcard before a name: the forms are service:resource:*, service:*:* and *:*:*';
  }
  return undefined;
}

/** The components of a right; a flat name is one. */
export function partsOf(permission: string): readonly string[] {
  return permission.split(SEPARATOR);
}

/** A wildcard is a ceiling: a token that holds one has to be asked for. */
export function isWildcard(permission: string): boolean {
  return partsOf(permission).includes(WILDCARD);
}

/**
 * Whether one held right includes another. They are compared component by component; `*` in the held right stands for
 * any one component, never the reverse. Reflexive and transitive.
 */
export function permissionCovers(held: string, asked: string): boolean {
  if (held === asked) return true;
  if (!held.includes(WILDCARD)) return false;
  const heldParts = partsOf(held);
  const askedParts = partsOf(asked);
  if (heldParts.length !== askedParts.length) return false;
  return heldParts.every((part, i) => part === askedParts[i] || (part === WILDCARD && askedParts[i] !== ''));
}
