import { randomBytes } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { KEY_BYTES } from './encryption.ts';

export interface MasterKeySource {
  /** ENCRYPTION_KEY: 32 bytes in base64url. */
  readonly encryptionKey?: string | undefined;
  readonly dataDir: string;
  readonly isProduction: boolean;
}

const FILE_NAME = 'encryption.key';
const OWNER_ONLY = 0o600;
const OTHERS = 0o007;
/** 32 bytes are 43 characters, with one of padding where a tool writes it. */
const ENCODED_KEY = /^[A-Za-z0-9_-]{43}=?$/;
const HOW_TO_MAKE = `node -p "crypto.randomBytes(32).toString('base64url')" makes one`;

/**
 * The 32-byte key that everything encrypted at rest depends on: the setting, else DATA_DIR/encryption.key, which
 * is created in development. It is never part of the database or its backups.
 * @throws Error that says what to set, when there is none in production or it is malformed; never with the value.
 */
export function loadMasterKey(source: MasterKeySource): Buffer {
  if (source.encryptionKey !== undefined) return decode(source.encryptionKey, 'ENCRYPTION_KEY');
  const path = join(source.dataDir, FILE_NAME);
  const found = readKeyFile(path, source.isProduction);
  if (found !== undefined) return found;
  if (source.isProduction) {
    throw new Error(
      `ENCRYPTION_KEY must be set in production (or ${path} must hold the key): ${HOW_TO_MAKE}`,
    );
  }
  try {
    return createKeyFile(source.dataDir, path);
  } catch (error) {
    const { message } = error as Error;
    throw new Error(`The directory ${source.dataDir} (DATA_DIR) cannot be written: ${message}`, {
      cause: error,
    });
  }
}

function readKeyFile(path: string, isProduction: boolean): Buffer | undefined {
  try {
    const text = readFileSync(path, 'utf8').trim();
    // Checked in production alone: shared folders of development machines do not keep modes.
    if (isProduction && (statSync(path).mode & OTHERS) !== 0) {
      throw new Error(`${path} must not be accessible to other users: chmod 600 it`);
    }
    return decode(text, path);
  } catch (error) {
    if (isCode(error, 'ENOENT') || isCode(error, 'ENOTDIR')) return undefined;
    throw error;
  }
}

/** Two processes may start at once: the file appears whole or not at all, and the second takes the first's key. */
function createKeyFile(dataDir: string, path: string): Buffer {
  mkdirSync(dataDir, { recursive: true });
  const draft = `${path}.${randomBytes(8).toString('hex')}`;
  const key = `${randomBytes(KEY_BYTES).toString('base64url')}\n`;
  // On the disk before anything is that needs it: after a power cut an empty file would be all that is left of it.
  writeFileSync(draft, key, { flag: 'wx', mode: OWNER_ONLY, flush: true });
  try {
    // Like O_EXCL, link fails when the name is taken; unlike it, no reader ever sees an empty file.
    linkSync(draft, path);
  } catch (error) {
    if (!isCode(error, 'EEXIST')) throw error;
  } finally {
    rmSync(draft, { force: true });
  }
  flushNames(dataDir);
  return decode(readFileSync(path, 'utf8').trim(), path);
}

/** After a power cut a new file is there under its name. Windows flushes no directory. */
function flushNames(directory: string): void {
  if (process.platform === 'win32') return;
  const fd = openSync(directory, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function decode(text: string, name: string): Buffer {
  if (!ENCODED_KEY.test(text)) {
    throw new Error(`${name} must be ${KEY_BYTES} bytes in base64url (43 characters): ${HOW_TO_MAKE}`);
  }
  return Buffer.from(text, 'base64url');
}

function isCode(error: unknown, code: string): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === code;
}
