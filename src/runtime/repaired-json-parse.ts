/**
 * JSON.parse that reads the names of members right. That of V8 takes a name written with an escape for another one, with
 * a backslash in it, that some text before had in its place (nodejs/node#63785, in Node 24 and 26), and whoever sends a
 * request can have written that text. Imported before whatever keeps JSON.parse, as the driver of PostgreSQL does.
 */
const native = JSON.parse;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const AFTER_NAME = /[ \t\n\r]*:/y;

Object.defineProperty(JSON, 'parse', { value: parse, writable: true, configurable: true });

/** With a reviver, as the engine does it: nothing here passes one. */
function parse(text: unknown, reviver?: Parameters<typeof native>[1]): unknown {
  const source = String(text);
  const value: unknown = native(source, reviver);
  if (reviver !== undefined || !source.includes('\\')) return value;
  const found = namesIn(source);
  return found.some(({ escaped }) => escaped) ? readWithout(found, source) : value;
}

/** A name with its quotes: where it starts and where it ends. */
interface Name {
  readonly start: number;
  readonly end: number;
  readonly escaped: boolean;
}

/** The names of all members. @param text JSON that holds. */
function namesIn(text: string): readonly Name[] {
  const found: Name[] = [];
  for (let start = text.indexOf('"'); start >= 0; ) {
    let end = start + 1;
    let escaped = false;
    for (let code = text.charCodeAt(end); code !== QUOTE; code = text.charCodeAt(end)) {
      escaped ||= code === BACKSLASH;
      end += code === BACKSLASH ? 2 : 1;
    }
    end += 1;
    AFTER_NAME.lastIndex = end;
    if (AFTER_NAME.test(text)) found.push({ start, end, escaped });
    start = text.indexOf('"', end);
  }
  return found;
}

/** Reads the text with a plain name of its own for every member, and gives them theirs back afterwards. */
function readWithout(found: readonly Name[], text: string): unknown {
  const names = found.map(({ start, end }) => native(text.slice(start, end)) as string);
  const pieces = found.map(({ start }, i) => `${text.slice(found[i - 1]?.end ?? 0, start)}"n${i}"`);
  const plain = `${pieces.join('')}${text.slice(found.at(-1)?.end)}`;
  return native(plain, (_name, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part) ? renamed(part, names) : part,
  );
}

/** A member is defined, not assigned: "__proto__" is a name as any other. Of two of one name the last one counts. */
function renamed(part: object, names: readonly string[]): object {
  const members = Object.entries(part).map(([plain, value]) => [names[Number(plain.slice(1))], value]);
  return Object.fromEntries(members) as object;
}
