import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, release, tmpdir, totalmem } from 'node:os';
import Sqlite from 'better-sqlite3';
import type { Stage } from '../process/stage.ts';
import { durabilityOf, startOwnPostgres } from '../sides/postgres.ts';
import { SQLITE_DURABILITY } from '../sides/taskgrant.ts';

/** What the numbers depend on, one fact per line of Markdown. */
export async function machineFacts(stage: Stage, date: Date): Promise<string[]> {
  const postgres = await startOwnPostgres(stage);
  const sqlite = new Sqlite(':memory:');
  const version = (sqlite.prepare('SELECT sqlite_version() AS version').get() as { version: string }).version;
  sqlite.close();
  return [
    `- ${date.toISOString().slice(0, 10)}, ${availableParallelism()} cores (${cpus()[0]?.model ?? 'unknown'}), ` +
      `${(totalmem() / 2 ** 30).toFixed(0)} GB, Linux ${release().split('-')[0]}; servers, databases and load share them`,
    `- Node ${process.version}, oidc-provider ${versionOf('oidc-provider')}`,
    `- PostgreSQL ${await durabilityOf(postgres)}`,
    `- SQLite ${version}, ${SQLITE_DURABILITY}`,
    `- data under ${tmpdir()} on ${filesystemOf(tmpdir())}`,
  ];
}

function versionOf(name: string): string {
  const file = new URL(`../../node_modules/${name}/package.json`, import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}

/** The filesystem with the longest mount point above the directory; on a RAM disk commits would cost nothing. */
function filesystemOf(directory: string): string {
  const mounts = readFileSync('/proc/mounts', 'utf8')
    .trim()
    .split('\n')
    .map((line) => line.split(' '));
  const above = mounts.filter(([, point = '']) =>
    `${directory}/`.startsWith(point === '/' ? '/' : `${point}/`),
  );
  const [, , type = 'unknown'] = above.toSorted(([, a = ''], [, b = '']) => b.length - a.length)[0] ?? [];
  return type;
}
