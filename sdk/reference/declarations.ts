import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

export type DeclarationKind = 'function' | 'const' | 'class' | 'interface' | 'type';

/** Something that a module declares, as the compiler wrote it. */
export interface Declaration {
  readonly name: string;
  readonly kind: DeclarationKind;
  /** The docstring without its stars; empty when there is none. */
  readonly docs: string;
  /** Overloads of a function stand one below the other. */
  readonly code: string;
  /** Module and name: the same wherever it is exported from. */
  readonly id: string;
}

/** What one entry of the package gives out. */
export interface Exported {
  readonly name: string;
  readonly declaration: Declaration;
  /** Given out as a type alone: nobody constructs or calls it. */
  readonly typeOnly: boolean;
}

interface Statement {
  readonly docs: string;
  readonly text: string;
}

const DECLARED = /^(?:export )?(?:declare )?(?:abstract )?(function|const|class|interface|type) ([\w$]+)/;
const NAMED = /^export (type )?\{([^}]*)\}(?: from '([^']+)')?;$/;
/** Of packages nothing is read. */
const IMPORTED = /^import (?:type )?\{([^}]*)\} from '(\.[^']+)';$/;
const EVERYTHING = /^export (type )?\* from '([^']+)';$/;

/**
 * Reads what a declaration file gives out, through all its re-exports. It understands what the compiler writes for this
 * package: one statement after the other, each beginning at the start of a line.
 * @throws Error for anything else: a reference that leaves something out would be believed
 */
export function exportsOf(file: string): Map<string, Exported> {
  const found = new Map<string, Exported>();
  const add = (one: Exported) => found.set(one.name, one);
  for (const { text } of statementsOf(file)) {
    const declared = DECLARED.exec(text);
    const [, all, from] = EVERYTHING.exec(text) ?? [];
    const named = NAMED.exec(text);
    if (text.startsWith('import ') || text === 'export {};') continue;
    if (from !== undefined) {
      for (const one of exportsOf(beside(file, from)).values()) {
        add({ ...one, typeOnly: one.typeOnly || all !== undefined });
      }
    } else if (named) {
      for (const one of namedExports(file, named)) add(one);
    } else if (declared) {
      const [, , name = ''] = declared;
      if (text.startsWith('export ')) add({ name, declaration: declarationIn(file, name), typeOnly: false });
    } else throw new Error(`${file}: not understood: ${text.slice(0, 80)}`);
  }
  return found;
}

/** What a file says of itself: a first docstring that no declaration follows. */
export function docsOfModule(file: string): string {
  const [first] = statementsOf(file);
  return first && !DECLARED.test(first.text) ? first.docs : '';
}

/**
 * The shapes that a declaration names and its module knows: declared there, or imported from within the package.
 * Classes are left out: what is not given out is not constructed either.
 */
export function shapesNamedIn({ id, code }: Declaration): Declaration[] {
  const [file = ''] = id.split('#');
  const words = new Set(withoutComments(code).match(/[A-Za-z_$][\w$]*/g));
  const imported = statementsOf(file).flatMap(({ text }) => {
    const [, list = '', from] = IMPORTED.exec(text) ?? [];
    const names = list.split(',').map((part) => part.trim().replace(/^type /, ''));
    return from === undefined ? [] : names.filter((name) => words.has(name)).map((name) => ({ name, from }));
  });
  const there = imported.flatMap(
    ({ name, from }) => exportsOf(beside(file, from)).get(name)?.declaration ?? [],
  );
  const own = statementsOf(file).flatMap(({ text }) => DECLARED.exec(text)?.[2] ?? []);
  const here = own.filter((name) => words.has(name)).map((name) => declarationIn(file, name));
  return [...there, ...here].filter(({ kind }) => kind === 'interface' || kind === 'type');
}

function withoutComments(code: string): string {
  return code.replace(/\/\*[^]*?\*\//g, '').replace(/'[^']*'/g, '');
}

function namedExports(file: string, [, types, list = '', from]: RegExpExecArray): Exported[] {
  const parts = list.split(',').flatMap((part) => {
    const match = /^(type )?([\w$]+)(?: as ([\w$]+))?$/.exec(part.trim());
    return match ? [match] : [];
  });
  return parts.map(([, type, original = '', name = original]) => {
    const typeOnly = (types ?? type) !== undefined;
    const there = from === undefined ? undefined : exportsOf(beside(file, from)).get(original);
    if (from !== undefined && !there) throw new Error(`${file}: ${from} does not export ${original}`);
    const declaration = there?.declaration ?? declarationIn(file, original);
    return { name, declaration, typeOnly: typeOnly || there?.typeOnly === true };
  });
}

function declarationIn(file: string, name: string): Declaration {
  const own = statementsOf(file).filter(({ text }) => DECLARED.exec(text)?.[2] === name);
  const [first] = own;
  const kind = first && DECLARED.exec(first.text)?.[1];
  if (!first || kind === undefined) throw new Error(`${file} does not declare ${name}`);
  return {
    name,
    kind: kind as DeclarationKind,
    docs: own.find(({ docs }) => docs !== '')?.docs ?? '',
    code: own.map(({ text }) => text.replace(/^export /, '').replace(/^declare /, '')).join('\n'),
    id: `${file}#${name}`,
  };
}

const read = new Map<string, readonly Statement[]>();

function statementsOf(file: string): readonly Statement[] {
  const known = read.get(file);
  if (known) return known;
  const statements: { docs: string; text: string }[] = [];
  let docs: string[] = [];
  let inDocs = false;
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    if (inDocs || line.startsWith('/**')) {
      if (!inDocs) docs = [];
      docs.push(line);
      inDocs = !line.trimEnd().endsWith('*/');
    } else if (/^[A-Za-z]/.test(line)) {
      statements.push({ docs: withoutStars(docs), text: line });
      docs = [];
    } else if (line.trim() !== '' && !line.startsWith('//')) {
      const last = statements.at(-1);
      if (!last) throw new Error(`${file}: begins with ${line}`);
      last.text += `\n${line}`;
    }
  }
  read.set(file, statements);
  return statements;
}

function withoutStars(lines: readonly string[]): string {
  return lines
    .map((line) => line.replace(/^\s*\/?\*{1,2}\/?\s?/, '').replace(/\s*\*\/$/, ''))
    .join('\n')
    .trim();
}

function beside(file: string, specifier: string): string {
  return join(dirname(file), specifier.replace(/\.(ts|js)$/, '.d.ts'));
}
