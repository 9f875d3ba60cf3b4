import { createWriteStream } from 'node:fs';
import { open, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { setTimeout } from 'node:timers/promises';
import { constants, createGzip, type Gzip } from 'node:zlib';

const DAY = 86_400_000;
/** Bytes. */
const PIECE = 512 * 1024;
/** After each of them: at once, a whole file would keep a processor from the requests for longer than one takes. */
const PAUSE_MS = 5;

/** Files of one log that were put aside: `app-2026-01-31.2.log`, then `app-2026-01-31.2.log.gz`. */
interface Archive {
  file: string;
  /** Calendar day in UTC, `2026-01-31`. */
  day: string;
  /** Position within the day, from 1. */
  index: number;
  state: 'plain' | 'compressed' | 'partial';
}

/** The archives of the log `<name>.log` among the files of a directory. */
function archivesOf(name: string, files: readonly string[]): Archive[] {
  const pattern = /^(.+)-(\d{4}-\d{2}-\d{2})\.(\d+)\.log(\.gz(?:\.part)?)?$/;
  return files.flatMap((file) => {
    const [, owner, day, index, ending] = pattern.exec(file) ?? [];
    if (owner !== name || !day) return [];
    const state = ending === undefined ? 'plain' : ending === '.gz' ? 'compressed' : 'partial';
    return [{ file, day, index: Number(index), state }];
  });
}

/** A name for the next archive of a day, one that no archive of that day has had while others of it remain. */
export function nextArchive(name: string, day: string, files: readonly string[]): string {
  const taken = archivesOf(name, files).filter((archive) => archive.day === day);
  const last = Math.max(0, ...taken.map((archive) => archive.index));
  return `${name}-${day}.${last + 1}.log`;
}

/**
 * Deletes archives older than `maxDays` days and compresses the rest where asked. Also finishes what a stopped
 * process left half done. A plain file is removed only when its compressed copy is complete.
 * @throws the file system's errors
 */
export async function tendArchives(
  directory: string,
  name: string,
  options: { maxDays: number; compress: boolean; now: Date },
): Promise<void> {
  const oldest = new Date(options.now.getTime() - options.maxDays * DAY).toISOString().slice(0, 10);
  for (const archive of archivesOf(name, await readdir(directory))) {
    const path = join(directory, archive.file);
    if (archive.day < oldest || archive.state === 'partial') await rm(path, { force: true });
    else if (archive.state === 'plain' && options.compress) await compress(path);
  }
}

/** Lines of JSON shrink to a tenth however little one tries; a busy server fills files faster than gzip's usual effort. */
async function compress(path: string): Promise<void> {
  const partial = `${path}.gz.part`;
  const gzip = createGzip({ level: constants.Z_BEST_SPEED, chunkSize: PIECE / 4 });
  await Promise.all([
    feed(gzip, path).catch((error: Error) => gzip.destroy(error)),
    pipeline(gzip, createWriteStream(partial, { mode: 0o640 })),
  ]);
  await rename(partial, `${path}.gz`);
  await rm(path, { force: true });
}

/** Each piece in the same memory: V8 would keep a stream's pieces, some hundred of them, until a full collection. */
async function feed(gzip: Gzip, path: string): Promise<void> {
  const file = await open(path);
  try {
    const memory = Buffer.allocUnsafeSlow(PIECE);
    for (;;) {
      const { bytesRead } = await file.read(memory, 0, PIECE);
      if (bytesRead === 0) break;
      await taken(gzip, memory.subarray(0, bytesRead));
      await setTimeout(PAUSE_MS);
    }
  } finally {
    await file.close();
  }
  gzip.end();
}

/** Resolves when the piece is compressed. */
function taken(gzip: Gzip, piece: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    gzip.write(piece, (error) => (error ? reject(error) : resolve()));
  });
}
