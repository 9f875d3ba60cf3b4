import { setImmediate } from 'node:timers/promises';
import { OverloadedError } from './overloaded.ts';

const MOST_AT_ONCE = 500;
const MOST_WAITING = 10_000;

interface Waiting<K, V> {
  readonly key: K;
  resolve(value: V): void;
  reject(error: unknown): void;
}

/**
 * Turns a read of many into a read of one: calls that arrive in one turn of the event loop, or while a query is
 * under way, share the next query. Nothing is cached: a query always starts after the calls that it answers.
 * Bounded: more than can wait are turned away at once, with OverloadedError.
 */
export function gather<K, V>(fetch: (keys: readonly K[]) => Promise<(key: K) => V>): (key: K) => Promise<V> {
  let waiting: Waiting<K, V>[] = [];
  let running = false;

  async function run(): Promise<void> {
    running = true;
    while (waiting.length > 0) {
      await setImmediate();
      const group = waiting.slice(0, MOST_AT_ONCE);
      waiting = waiting.slice(group.length);
      await answer(group);
    }
    running = false;
  }

  async function answer(group: readonly Waiting<K, V>[]): Promise<void> {
    try {
      const valueOf = await fetch(group.map(({ key }) => key));
      for (const { key, resolve } of group) resolve(valueOf(key));
    } catch (error) {
      for (const { reject } of group) reject(error);
    }
  }

  return (key) =>
    new Promise((resolve, reject) => {
      if (waiting.length >= MOST_WAITING) return reject(new OverloadedError());
      waiting.push({ key, resolve, reject });
      if (!running) void run();
      return undefined;
    });
}
