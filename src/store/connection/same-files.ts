import { statSync } from 'node:fs';

/** Which files those of an embedded database were when it was opened: the log is the newest part of it. */
export type KnownFiles = Readonly<Record<string, string>>;

const SUFFIXES = ['', '-wal', '-shm'];

/** The files of an open database; none for one in memory. */
export function filesOf(file: string): KnownFiles {
  const found = SUFFIXES.map((suffix) => [`${file}${suffix}`, identityOf(`${file}${suffix}`)] as const);
  return Object.fromEntries(found.flatMap(([path, id]) => (id === undefined ? [] : [[path, id]])));
}

/**
 * INVARIANT: nothing is acknowledged that only a file holds which nobody will find any more. SQLite goes on writing to
 * files that were removed or replaced, by a backup that is put back under a running server; it has a word for that, but
 * looks for it in other journal modes only.
 * @throws Error with the code of SQLite for a database that was moved.
 */
export function requireSame(files: KnownFiles): void {
  for (const path in files) {
    if (identityOf(path) === files[path]) continue;
    const message = `${path} was removed or replaced while it was open: the server has to be started again`;
    throw Object.assign(new Error(message), { code: 'SQLITE_READONLY_DBMOVED' });
  }
}

function identityOf(path: string): string | undefined {
  const found = statSync(path, { throwIfNoEntry: false });
  return found && `${found.dev}:${found.ino}`;
}
