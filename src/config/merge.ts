import { isTree, type Layer, type Tree } from './sources.ts';

/** Settings from all layers and, per dotted name, the layer that set it. */
export interface Merged {
  values: Tree;
  sources: Map<string, string>;
}

/** Lays each layer over the ones before it: objects merge key by key, lists and single values are replaced. */
export function mergeLayers(layers: readonly Layer[]): Merged {
  const merged: Merged = { values: {}, sources: new Map() };
  for (const { source, values } of layers) overlay(merged.values, values, '', source, merged.sources);
  return merged;
}

function overlay(
  below: Tree,
  above: Tree,
  prefix: string,
  source: string,
  sources: Map<string, string>,
): void {
  for (const [key, value] of Object.entries(above)) {
    const name = prefix + key;
    const present = Object.hasOwn(below, key) ? below[key] : undefined;
    sources.set(name, source);
    if (!isTree(value)) {
      define(below, key, value);
      continue;
    }
    const inner: Tree = isTree(present) ? present : {};
    define(below, key, inner);
    overlay(inner, value, `${name}.`, source, sources);
  }
}

/** Sets the value under a dotted name, making the objects on the way. */
export function setByName(values: Tree, name: string, value: unknown): void {
  const keys = name.split('.');
  const last = keys.pop() ?? name;
  let level = values;
  for (const key of keys) {
    const present = level[key];
    const inner: Tree = isTree(present) ? present : {};
    define(level, key, inner);
    level = inner;
  }
  define(level, last, value);
}

/** Assigns as an own property, so that a key such as `__proto__` in a file stays data (and is then refused). */
function define(target: Tree, key: string, value: unknown): void {
  Object.defineProperty(target, key, { value, enumerable: true, writable: true, configurable: true });
}
