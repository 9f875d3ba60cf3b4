import Sqlite from 'better-sqlite3';
import pg from 'pg';
import type { StatementRecord } from './recording.ts';

/** Measures every statement that a process sends to its database, by wrapping both drivers. */
export interface StatementClock {
  /** Forgets what was measured until now. */
  clear(): void;
  records(): StatementRecord[];
}

type Note = (sql: string, begun: number) => void;

export function startStatementClock(): StatementClock {
  const times = new Map<string, number[]>();
  const note: Note = (sql, begun) => {
    const time = performance.now() - begun;
    const known = times.get(sql);
    if (known) known.push(time);
    else times.set(sql, [time]);
  };
  wrapPostgres(note);
  wrapSqlite(note);
  return {
    clear: () => times.clear(),
    records() {
      // While it measures it does as little as possible; statements are compared at the end.
      const shapes = Map.groupBy(times, ([sql]) => shapeOf(sql));
      return [...shapes]
        .map(([shape, same]) =>
          recordOf(
            shape,
            same.flatMap(([, found]) => found),
          ),
        )
        .toSorted((x, y) => y.total - x.total);
    },
  };
}

function recordOf(sql: string, found: readonly number[]): StatementRecord {
  const sorted = Float64Array.from(found).toSorted();
  const total = sorted.reduce((sum, time) => sum + time, 0);
  return {
    sql,
    count: sorted.length,
    total,
    mean: total / sorted.length,
    p99: sorted[Math.floor(sorted.length * 0.99)] ?? 0,
  };
}

/** One text for a statement, whatever the number of rows or values it was made for. */
function shapeOf(sql: string): string {
  return sql
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/\$\d+/g, '?')
    .replaceAll(/\?(?:, ?\?)+/g, '?…')
    .replaceAll(
      /\((?:[^()]*\?[^()]*)\)(?:, ?\([^()]*\?[^()]*\))+/g,
      (rows) => `${rows.slice(0, rows.indexOf(')') + 1)}…`,
    )
    .trim();
}

type Callback = (...args: unknown[]) => unknown;
interface Sent {
  text?: string;
  callback?: Callback;
  submit?: unknown;
}

function wrapPostgres(note: Note): void {
  const prototype = pg.Client.prototype as unknown as { query: (...args: unknown[]) => unknown };
  const query = prototype.query;
  prototype.query = function measured(this: unknown, ...args: unknown[]): unknown {
    const begun = performance.now();
    const config = args[0] as string | Sent;
    const sql = typeof config === 'string' ? config : (config.text ?? 'unknown');
    const noting = (callback: Callback) =>
      function noted(this: unknown, ...results: unknown[]) {
        note(sql, begun);
        return callback.apply(this, results);
      };
    const position = args.findIndex((arg) => typeof arg === 'function');
    if (position >= 0) {
      args[position] = noting(args[position] as Callback);
      return query.apply(this, args);
    }
    if (typeof config === 'object' && typeof config.callback === 'function') {
      config.callback = noting(config.callback);
      return query.apply(this, args);
    }
    const answer = query.apply(this, args);
    if (!(answer instanceof Promise)) return answer;
    return answer.finally(() => note(sql, begun));
  };
}

function wrapSqlite(note: Note): void {
  const probe = new Sqlite(':memory:');
  const statement = Object.getPrototypeOf(probe.prepare('SELECT 1')) as Record<string, Callback>;
  probe.close();
  for (const method of ['run', 'get', 'all']) {
    const original = statement[method];
    if (!original) continue;
    statement[method] = function measured(this: { source: string }, ...args: unknown[]): unknown {
      const begun = performance.now();
      try {
        return original.apply(this, args);
      } finally {
        note(this.source, begun);
      }
    };
  }
}
