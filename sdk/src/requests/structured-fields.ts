/** A token of RFC 8941 §3.3.4, told apart from a string. */
export interface Token {
  readonly token: string;
}
export type BareItem = string | number | boolean | Uint8Array<ArrayBuffer> | Token;
export type Parameters = ReadonlyMap<string, BareItem>;

export interface Item {
  readonly value: BareItem;
  readonly parameters: Parameters;
}

export interface InnerList {
  readonly items: readonly Item[];
  readonly parameters: Parameters;
}

/** The text is none of what the signature fields may hold. */
export class NotStructured extends Error {
  override readonly name = 'NotStructured';
}

/** Sticky patterns of RFC 8941 §4.2. Decimals and members without a value do not occur in the fields read here. */
const KEY = /[a-z*][a-z0-9_.*-]*/y;
const STRING = /"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"/y;
const INTEGER = /-?\d{1,15}(?![\d.])/y;
const BYTES = /:([A-Za-z0-9+/]*={0,2}):/y;
const TOKEN = /[A-Za-z*][!#$%&'*+.^_`|~0-9A-Za-z:/-]*/y;
const BOOLEAN = /\?([01])/y;
const COMMA = /[ \t]*,[ \t]*/y;

/** Characters; fields of honest signers are far below it. */
const LONGEST_FIELD = 8192;
const MOST_MEMBERS = 16;
const MOST_ITEMS = 64;

/**
 * A dictionary (RFC 8941 §4.2.2) of items and inner lists. A key that stands twice is refused, where the RFC would let
 * the last one win: two readers must not see two messages.
 * @throws NotStructured
 */
export function parseDictionary(text: string): ReadonlyMap<string, Item | InnerList> {
  if (text.length > LONGEST_FIELD) throw new NotStructured('the field is too long');
  const reader = new Reader(text.trim());
  const members = new Map<string, Item | InnerList>();
  while (!reader.done()) {
    if (members.size > 0) reader.need(COMMA);
    if (members.size >= MOST_MEMBERS) throw new NotStructured('the field has too many members');
    const key = reader.need(KEY)[0];
    reader.literal('=');
    if (members.has(key)) throw new NotStructured('a member stands twice');
    members.set(key, reader.peek('(') ? innerList(reader) : item(reader));
  }
  return members;
}

/** RFC 8941 §4.1.1.1: the one way to write an inner list, which the signature covers (RFC 9421 §2.3). */
export function serializeInnerList({ items, parameters }: InnerList): string {
  const list = items.map((entry) => `${serializeBare(entry.value)}${serializeParameters(entry.parameters)}`);
  return `(${list.join(' ')})${serializeParameters(parameters)}`;
}

/** RFC 8941 §4.1.6. @throws NotStructured for text that cannot stand in a string. */
export function serializeString(text: string): string {
  if (!/^[\x20-\x7e]*$/.test(text)) throw new NotStructured('a string holds printable ASCII only');
  return `"${text.replaceAll(/["\\]/g, '\\$&')}"`;
}

/** RFC 8941 §4.1.8. */
export function serializeBytes(bytes: Uint8Array): string {
  return `:${base64(bytes)}:`;
}

export function isInnerList(member: Item | InnerList): member is InnerList {
  return 'items' in member;
}

function serializeParameters(parameters: Parameters): string {
  return [...parameters]
    .map(([key, value]) => `;${key}${value === true ? '' : `=${serializeBare(value)}`}`)
    .join('');
}

function serializeBare(value: BareItem): string {
  if (typeof value === 'string') return serializeString(value);
  if (typeof value === 'number') return String(value);
  if (typeof value === 'boolean') return value ? '?1' : '?0';
  return value instanceof Uint8Array ? serializeBytes(value) : value.token;
}

function base64(bytes: Uint8Array): string {
  let binary = '';
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}

class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  done(): boolean {
    return this.#at === this.#text.length;
  }

  peek(character: string): boolean {
    return this.#text[this.#at] === character;
  }

  match(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text) ?? undefined;
    if (found) this.#at = pattern.lastIndex;
    return found;
  }

  need(pattern: RegExp): RegExpExecArray {
    const found = this.match(pattern);
    if (!found) throw new NotStructured(`not structured at character ${this.#at}`);
    return found;
  }

  literal(character: string): void {
    if (!this.peek(character)) throw new NotStructured(`not structured at character ${this.#at}`);
    this.#at += 1;
  }

  spaces(): boolean {
    const from = this.#at;
    while (this.peek(' ')) this.#at += 1;
    return this.#at > from;
  }
}

function innerList(reader: Reader): InnerList {
  const items: Item[] = [];
  reader.literal('(');
  reader.spaces();
  while (!reader.peek(')')) {
    if (items.length >= MOST_ITEMS) throw new NotStructured('the list is too long');
    items.push(item(reader));
    if (!reader.spaces() && !reader.peek(')')) throw new NotStructured('items are not apart');
  }
  reader.literal(')');
  return { items, parameters: parametersOf(reader) };
}

function item(reader: Reader): Item {
  return { value: bareItem(reader), parameters: parametersOf(reader) };
}

function parametersOf(reader: Reader): Parameters {
  const parameters = new Map<string, BareItem>();
  while (reader.peek(';')) {
    reader.literal(';');
    reader.spaces();
    const key = reader.need(KEY)[0];
    if (parameters.has(key)) throw new NotStructured('a parameter stands twice');
    const valued = reader.peek('=');
    if (valued) reader.literal('=');
    parameters.set(key, valued ? bareItem(reader) : true);
  }
  return parameters;
}

function bareItem(reader: Reader): BareItem {
  const text = reader.match(STRING)?.[1];
  if (text !== undefined) return text.replaceAll(/\\(["\\])/g, '$1');
  const bytes = reader.match(BYTES)?.[1];
  if (bytes !== undefined) return fromBase64(bytes);
  const integer = reader.match(INTEGER)?.[0];
  if (integer !== undefined) return Number(integer);
  const truth = reader.match(BOOLEAN)?.[1];
  if (truth !== undefined) return truth === '1';
  return { token: reader.need(TOKEN)[0] };
}

/** INVARIANT: one text for the same bytes, so that no second spelling of a signature passes. */
function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  try {
    const binary = atob(text);
    if (btoa(binary) === text) return Uint8Array.from(binary, (character) => character.charCodeAt(0));
  } catch {
    // Falls through: not Base64.
  }
  throw new NotStructured('the bytes are not Base64');
}
