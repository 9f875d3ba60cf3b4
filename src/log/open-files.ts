import { accessSync, constants, mkdirSync } from 'node:fs';
import { RotatingFile } from './rotating-file.ts';

const FILE_NAMES = ['app', 'error', 'oauth', 'agent_actions', 'security'] as const;
export type FileName = (typeof FILE_NAMES)[number];
export type Files = Record<FileName, RotatingFile>;

/** When a file is put aside, and what becomes of it. */
export interface Rotation {
  /** Bytes with k, m or g: `20m`. */
  maxSize: string;
  /** Days for which files put aside are kept. */
  maxDays: number;
  compress: boolean;
}

/**
 * Opens all files or, giving up those already open, none.
 * @param onProblem told of a file that cannot be written, rotated or compressed later on
 * @throws {Error} with a clear text when the directory cannot be written
 */
export function openFiles(
  directory: string,
  rotation: Rotation,
  now: () => Date,
  onProblem: (name: FileName, problem: Error) => void,
): Files {
  const maxBytes = sizeInBytes(rotation.maxSize);
  const { maxDays, compress } = rotation;
  const opened: [FileName, RotatingFile][] = [];
  try {
    mkdirSync(directory, { recursive: true });
    accessSync(directory, constants.W_OK | constants.X_OK);
    for (const name of FILE_NAMES) {
      const tell = (problem: Error) => onProblem(name, problem);
      const file = new RotatingFile({ directory, name, maxBytes, maxDays, compress, now, onProblem: tell });
      opened.push([name, file.on('error', tell)]);
    }
  } catch (error) {
    for (const [, file] of opened) file.destroy();
    const reason = (error as Error).message;
    throw new Error(`The log directory ${directory} (LOG_DIR) cannot be written: ${reason}`, {
      cause: error,
    });
  }
  return Object.fromEntries(opened) as Files;
}

/** `20m` as bytes. @throws {RangeError} when the text is no size */
export function sizeInBytes(size: string): number {
  const [, amount, unit] = /^(\d+)([kmg])$/i.exec(size) ?? [];
  const factor = { k: 1024, m: 1024 ** 2, g: 1024 ** 3 }[(unit ?? '').toLowerCase()];
  if (amount === undefined || factor === undefined)
    throw new RangeError(`"${size}" is not a size such as 20m`);
  return Number(amount) * factor;
}
