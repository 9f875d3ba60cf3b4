import type { CpuProfile, ProfileNode } from './recording.ts';

/** Where the time of a profile went. Shares are parts of the time in which the thread was not idle. */
export interface TimeSpent {
  /** Part of the profile in which the thread had something to do. */
  readonly busy: number;
  /** By package or part of the product; the time of a function itself, without what it calls. */
  readonly groups: readonly Share[];
  readonly functions: readonly Share[];
  /** The product's own functions with all that they call directly. */
  readonly own: readonly Share[];
}

export interface Share {
  readonly name: string;
  readonly share: number;
}

const NATIVE = '(native)';
/** Not part of what is looked for: waiting, and the recording itself. */
const LEFT_OUT = new Set(['(idle)', 'node:inspector']);

export function timeSpent({ nodes, samples, timeDeltas }: CpuProfile): TimeSpent {
  const self = new Map<number, number>();
  samples.forEach((id, i) => self.set(id, (self.get(id) ?? 0) + (timeDeltas[i] ?? 0)));
  const total = sum(self.values());
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const parents = new Map(nodes.flatMap((node) => (node.children ?? []).map((child) => [child, node.id])));
  const groups = new Map<string, number>();
  const functions = new Map<string, number>();
  const own = new Map<string, number>();
  for (const [id, time] of self) {
    const node = byId.get(id);
    if (!node || LEFT_OUT.has(groupOf(node))) continue;
    add(groups, groupOf(node), time);
    add(functions, nameOf(node) + callerOf(node, byId, parents), time);
    for (const name of ownNamesAbove(id, byId, parents)) add(own, name, time);
  }
  const active = sum(groups.values());
  const shares = (found: Map<string, number>) =>
    [...found].map(([name, time]) => ({ name, share: time / active })).toSorted((a, b) => b.share - a.share);
  return { busy: active / total, groups: shares(groups), functions: shares(functions), own: shares(own) };
}

/** The product's functions on the stack of a node, each once. */
function ownNamesAbove(
  id: number,
  byId: ReadonlyMap<number, ProfileNode>,
  parents: ReadonlyMap<number, number>,
): Set<string> {
  const names = new Set<string>();
  for (let at: number | undefined = id; at !== undefined; at = parents.get(at)) {
    const node = byId.get(at);
    if (node && groupOf(node).startsWith('src/')) names.add(nameOf(node));
  }
  return names;
}

/** Of a native function: the nearest function above that has a name and a place, for it says what was done. */
function callerOf(
  node: ProfileNode,
  byId: ReadonlyMap<number, ProfileNode>,
  parents: ReadonlyMap<number, number>,
): string {
  if (groupOf(node) !== NATIVE) return '';
  for (let at = parents.get(node.id); at !== undefined; at = parents.get(at)) {
    const caller = byId.get(at);
    if (caller && caller.callFrame.functionName !== '' && !/^$|\/bench\//.test(caller.callFrame.url))
      return ` ← ${nameOf(caller)}`;
  }
  return '';
}

/** A package, a folder of the product, a module of Node, or what V8 names in parentheses. */
function groupOf({ callFrame: { functionName, url } }: ProfileNode): string {
  const shown = placeOf(url);
  if (shown === '') return functionName.startsWith('(') ? functionName : NATIVE;
  const packaged = /^node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(shown)?.[1];
  if (packaged !== undefined) return packaged;
  if (shown.startsWith('node:')) return shown.split('/').slice(0, 2).join('/');
  return shown.startsWith('src/') ? shown.split('/').slice(0, 2).join('/') : shown;
}

function nameOf({ callFrame: { functionName, url, lineNumber } }: ProfileNode): string {
  const shown = placeOf(url);
  const name = functionName === '' ? '(anonymous)' : functionName;
  return shown === '' ? name : `${name} ${shown}:${lineNumber + 1}`;
}

/** A path from the root of the product, or from the innermost node_modules. */
function placeOf(url: string): string {
  const packages = url.lastIndexOf('/node_modules/');
  if (packages >= 0) return url.slice(packages + 1);
  const own = /\/((?:src|bench)\/.*)$/.exec(url)?.[1];
  return url.startsWith('file:') && own !== undefined ? own : url;
}

function add(found: Map<string, number>, name: string, time: number): void {
  found.set(name, (found.get(name) ?? 0) + time);
}

function sum(values: Iterable<number>): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}
