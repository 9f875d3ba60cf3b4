import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { isMainThread, workerData } from 'node:worker_threads';
import Database from 'better-sqlite3';

/** What goes wrong in the thread that commits, the next `times` times that it runs a statement that begins so. */
export interface Trouble {
  readonly at: string;
  readonly times: number;
  /** The statement fails with a code of SQLite. */
  readonly code?: string;
  /** The thread ends, and the process with it if it `kills`. */
  readonly dies?: 'before' | 'after';
  readonly kills?: boolean;
  /** It stands still for so many milliseconds afterwards. */
  readonly stallsMs?: number;
  /** Something is set on the connection before. */
  readonly pragma?: string;
}

/** Puts trouble in the way of the thread of the database in `dataDir`; none = all is well again. */
export function trouble(dataDir: string, what?: Trouble): void {
  const file = troublesOf(`${dataDir}/taskgrant.db`);
  if (what) write(file, what);
  else rmSync(file, { force: true });
}

/** Whether the thread has met all of the trouble that was put in its way. */
export function hasMetTrouble(dataDir: string): boolean {
  const file = troublesOf(`${dataDir}/taskgrant.db`);
  return (JSON.parse(readFileSync(file, 'utf8')) as Trouble).times === 0;
}

function troublesOf(database: string): string {
  return `${database}.trouble`;
}

/** Whole at once: the test and the thread read it while the other writes. */
function write(troubles: string, what: Trouble): void {
  const draft = `${troubles}.${isMainThread ? 'test' : 'thread'}`;
  writeFileSync(draft, JSON.stringify(what));
  renameSync(draft, troubles);
}

/** Loaded into the thread before its program: its driver makes the trouble that a file asks for. */
const { file } = (workerData ?? {}) as { file?: string };
if (typeof file === 'string') intercept(troublesOf(file));

function intercept(troubles: string): void {
  const { prototype } = Database as unknown as { prototype: Database.Database };
  const { prepare } = prototype;
  prototype.prepare = function interceptedPrepare(this: Database.Database, sql: string) {
    const statement = prepare.call(this, sql);
    const run = statement.run.bind(statement) as (...values: unknown[]) => Database.RunResult;
    statement.run = (...values: unknown[]) => {
      const due = dueAt(troubles, sql);
      if (due?.code !== undefined)
        throw Object.assign(new Error(`simulated ${due.code}`), { code: due.code });
      if (due?.dies === 'before') die(due);
      if (due?.pragma !== undefined) this.pragma(due.pragma);
      const answer = run(...values);
      if (due?.dies === 'after') die(due);
      if (due?.stallsMs !== undefined)
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, due.stallsMs);
      return answer;
    };
    return statement;
  } as typeof prepare;
}

function die({ kills }: Trouble): never {
  if (kills) process.kill(process.pid, 'SIGKILL');
  process.exit(1);
}

function dueAt(troubles: string, sql: string): Trouble | undefined {
  if (!existsSync(troubles)) return undefined;
  const what = JSON.parse(readFileSync(troubles, 'utf8')) as Trouble;
  if (!sql.startsWith(what.at) || what.times === 0) return undefined;
  write(troubles, { ...what, times: what.times - 1 });
  return what;
}
