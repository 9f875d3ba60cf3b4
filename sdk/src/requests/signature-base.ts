import { fieldOf, type MessageHead, type Target, urlOf } from './message.ts';
import { type InnerList, type Item, serializeInnerList, serializeString } from './structured-fields.ts';

/** A component that the message lacks, or that is not signed by this part: nothing can be said about the signature. */
export class NoSuchComponent extends Error {
  override readonly name = 'NoSuchComponent';
}

const FIELD = /^[!#$%&'*+.^_`|~0-9a-z-]+$/;
/** What may stand in a field: printable ASCII and tabs. No line may be added to the base through a value. */
const FIELD_VALUE = /^[\x20-\x7e\t]*$/;

/**
 * The text that is signed (RFC 9421 §2.5), of components without parameters.
 * @throws NoSuchComponent also for a component that stands twice.
 */
export function signatureBase(covered: InnerList, head: MessageHead, target: Target): string {
  const lines: string[] = [];
  const seen = new Set<string>();
  for (const component of covered.items) {
    const name = nameOf(component);
    if (seen.has(name)) throw new NoSuchComponent('a component stands twice');
    seen.add(name);
    lines.push(`${serializeString(name)}: ${valueOf(name, head, target)}`);
  }
  return [...lines, `"@signature-params": ${serializeInnerList(covered)}`].join('\n');
}

/** The names that a list covers. @throws NoSuchComponent for one with parameters, which nothing here understands. */
export function namesOf(covered: InnerList): readonly string[] {
  return covered.items.map(nameOf);
}

function nameOf({ value, parameters }: Item): string {
  if (typeof value !== 'string' || parameters.size > 0)
    throw new NoSuchComponent('a component has parameters');
  return value;
}

function valueOf(name: string, head: MessageHead, target: Target): string {
  switch (name) {
    case '@method':
      return head.method;
    case '@authority':
      return target.authority;
    case '@scheme':
      return target.scheme;
    case '@path':
      return target.path;
    case '@query':
      return target.query;
    case '@target-uri':
      return urlOf(target);
    default:
      return fieldValue(name, head);
  }
}

function fieldValue(name: string, head: MessageHead): string {
  const value = FIELD.test(name) ? fieldOf(head.headers, name) : undefined;
  if (value === undefined || !FIELD_VALUE.test(value))
    throw new NoSuchComponent('a component is not in the message');
  return value;
}
