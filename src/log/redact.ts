import { types } from 'node:util';
import { looksLikeJson, MAX_TEXT, REDACTED, redactText } from './redact-text.ts';
import { isPrivateKeyMember, isSecretName } from './secret-names.ts';

export { REDACTED } from './redact-text.ts';

/** Deepest nesting that is kept. */
export const MAX_DEPTH = 8;
/** Most elements of one list or members of one object. */
export const MAX_MEMBERS = 100;
/** Most values of one record altogether. */
export const MAX_VALUES = 1_000;

interface Walk {
  /** Objects being visited, to recognise a cycle. */
  readonly above: Set<object>;
  left: number;
}

/**
 * A copy of any value that is safe to log: secrets replaced, cycles cut, depth and size bounded, and nothing left
 * that JSON cannot hold. Never throws and never changes its argument.
 */
export function redact(value: unknown): unknown {
  return visit(value, { above: new Set(), left: MAX_VALUES });
}

function visit(value: unknown, walk: Walk): unknown {
  walk.left -= 1;
  if (walk.left < 0) return '[too large]';
  switch (typeof value) {
    case 'string':
      return visitText(value, walk);
    case 'bigint':
    case 'symbol':
      return redactText(String(value));
    case 'function':
      return '[function]';
    case 'object':
      return value === null ? null : visitObject(value, walk);
    case 'number':
    case 'boolean':
    case 'undefined':
      return value;
  }
}

/** A text that is JSON is redacted as what it says, so that lists and nested members are seen, too. */
function visitText(text: string, walk: Walk): string {
  if (!looksLikeJson(text) || text.length > MAX_TEXT) return redactText(text);
  try {
    return redactText(JSON.stringify(visit(JSON.parse(text), walk)));
  } catch {
    return redactText(text);
  }
}

function visitObject(value: object, walk: Walk): unknown {
  if (walk.above.has(value)) return '[circular]';
  if (walk.above.size >= MAX_DEPTH) return '[too deep]';
  walk.above.add(value);
  try {
    return copy(value, walk);
  } catch {
    return '[unreadable]';
  } finally {
    walk.above.delete(value);
  }
}

function copy(value: object, walk: Walk): unknown {
  if (Array.isArray(value)) return copyList(value, walk);
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  // Asked first because nearly every object is one: the questions below cost more than the copy.
  if (Object.getPrototypeOf(value) === Object.prototype) {
    return copyObject(value as Record<string, unknown>, walk);
  }
  if (types.isDate(value)) return Number.isNaN(value.getTime()) ? '[invalid date]' : value.toISOString();
  if (value instanceof URL || value instanceof URLSearchParams) return redactText(String(value));
  if (types.isAnyArrayBuffer(value)) return `[${value.byteLength} bytes]`;
  if (types.isNativeError(value) || value instanceof Error) return copyError(value, walk);
  if (types.isSet(value)) return copyList([...value], walk);
  if (types.isMap(value)) return copyMap(value, walk);
  return copyObject(value as Record<string, unknown>, walk);
}

function copyObject(source: Record<string, unknown>, walk: Walk): Record<string, unknown> {
  return copyMembers(Object.keys(source), (name) => source[name], walk);
}

function copyMap(map: Map<unknown, unknown>, walk: Walk): Record<string, unknown> {
  const entries = [...map];
  return copyMembers(
    entries.map(([key]) => String(key)),
    (_, index) => entries[index]?.[1],
    walk,
  );
}

/** Also knows lists of alternating names and values, such as Node's rawHeaders, and pairs of both. */
function copyList(list: readonly unknown[], walk: Walk): unknown[] {
  if (list.length === 0) return [];
  const kept = list.slice(0, MAX_MEMBERS).map((element, index) => {
    const before = index > 0 ? list[index - 1] : undefined;
    return typeof before === 'string' && isSecretName(before) && isText(element)
      ? REDACTED
      : visit(element, walk);
  });
  return list.length > MAX_MEMBERS ? [...kept, `[${list.length - MAX_MEMBERS} more]`] : kept;
}

type Read = (name: string, index: number) => unknown;

function copyMembers(names: readonly string[], read: Read, walk: Walk): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  const isKey = names.includes('kty');
  const kept = Math.min(names.length, MAX_MEMBERS);
  for (let index = 0; index < kept; index += 1) {
    const name = names[index] as string;
    const secret = isSecretName(name) || (isKey && isPrivateKeyMember(name));
    setMember(
      result,
      redactText(name),
      secret ? hide(read, name, index) : visitMember(read, name, index, walk),
    );
  }
  if (names.length > MAX_MEMBERS) result['…'] = `[${names.length - MAX_MEMBERS} more]`;
  return result;
}

/** A member named `__proto__` is data like any other: assigned, it would replace the prototype. */
export function setMember(target: Record<string, unknown>, name: string, value: unknown): void {
  if (name !== '__proto__') target[name] = value;
  else Object.defineProperty(target, name, { value, enumerable: true, configurable: true, writable: true });
}

/** Whether a secret was there at all is no secret; neither is a switch with such a name. */
function hide(read: Read, name: string, index: number): unknown {
  try {
    const value = read(name, index);
    return value === undefined || value === null || typeof value === 'boolean' ? value : REDACTED;
  } catch {
    return REDACTED;
  }
}

function visitMember(read: Read, name: string, index: number, walk: Walk): unknown {
  try {
    return visit(read(name, index), walk);
  } catch {
    return '[unreadable]';
  }
}

/** `code` of an error is its kind (`ECONNREFUSED`), not an authorization code: kept under the name `error_code`. */
function copyError(error: Error, walk: Walk): Record<string, unknown> {
  const own = Object.keys(error).filter(
    (key) => !['name', 'message', 'stack', 'code', 'cause'].includes(key),
  );
  const code = (error as NodeJS.ErrnoException).code;
  const names = [
    'name',
    'message',
    ...(code === undefined ? [] : ['error_code']),
    ...own,
    'stack',
    ...(error.cause === undefined ? [] : ['cause']),
  ];
  const source = error as unknown as Record<string, unknown>;
  return copyMembers(
    names,
    (name) => (name === 'error_code' && code !== undefined ? code : source[name]),
    walk,
  );
}

function isText(value: unknown): boolean {
  return typeof value === 'string' || typeof value === 'number';
}
