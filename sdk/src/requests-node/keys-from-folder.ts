// A folder that is watched: this part is for Node, Deno and Bun.
import { type FSWatcher, watch } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type AuthorizedKeys, chosen, isName } from '../requests/authorized-keys.ts';
import { type BoundKey, publicKeyOf } from '../requests/request-keys.ts';
import { ASYNC_DISPOSE } from '../shared/dispose.ts';
import { TaskgrantError } from '../shared/errors.ts';
import type { JsonWebKey } from '../shared/jwk.ts';

/** How a folder of authorized keys is watched. */
export interface FolderOptions {
  /** Told of files that are no public keys and of a folder that cannot be read; their keys are not trusted. */
  readonly onProblem?: ((file: string, problem: Error) => void) | undefined;
  /**
   * Milliseconds after which the folder is read again in any case: network file systems do not tell of changes.
   * Default 5,000.
   */
  readonly rereadEvery?: number | undefined;
}

/** Keys of a folder, kept up to date until it is closed. */
export interface KeyFolder extends AuthorizedKeys, AsyncDisposable {
  /** The issuers that have keys now. */
  issuers(): readonly string[];
  /** Stops watching; nothing is trusted afterwards. */
  close(): Promise<void>;
}

const ENDINGS = /\.(pem|pub|jwk|jwks|json)$/;
const MOST_FILES = 1000;
const MOST_KEYS_PER_ISSUER = 10;
const LARGEST_FILE = 64 * 1024;
/** Files arrive in several steps. */
const SETTLE_MS = 20;

/**
 * The public keys of a folder: `orchestrator.pem` holds those of the issuer `orchestrator`. PEM (SPKI), a JWK or a JWKS
 * (`.pem`, `.pub`, `.jwk`, `.jwks`, `.json`); several files of one issuer add up. The folder is read when it says that it
 * changed, and by the clock; never because of a request. A key whose file is gone or unreadable is not trusted any more.
 * @throws TaskgrantError `option_invalid` when the folder cannot be read at the start.
 */
export async function keysFromFolder(folder: string, options: FolderOptions = {}): Promise<KeyFolder> {
  const { onProblem = () => undefined, rereadEvery = 5_000 } = options;
  let keys: ReadonlyMap<string, readonly BoundKey[]> = new Map();
  let closed = false;
  let watcher: FSWatcher | undefined;
  let settling: NodeJS.Timeout | undefined;

  const read = async () => {
    try {
      const found = await readFolder(folder, onProblem);
      if (!closed) keys = found;
      watchFolder();
    } catch (cause) {
      // Without the folder nobody can say who is authorized.
      keys = new Map();
      unwatch();
      throw cause;
    }
  };
  const reread = inTurn(() => read().catch((problem: unknown) => onProblem(folder, problem as Error)));
  const changed = () => {
    settling ??= setTimeout(() => {
      settling = undefined;
      reread();
    }, SETTLE_MS);
  };
  const unwatch = () => {
    watcher?.close();
    watcher = undefined;
  };
  function watchFolder(): void {
    if (watcher || closed) return;
    try {
      watcher = watch(folder, { persistent: false }, changed);
      watcher.on('error', () => {
        unwatch();
        changed();
      });
    } catch (problem) {
      // Where nothing can be watched, the clock remains.
      onProblem(folder, problem as Error);
    }
  }

  await read().catch((cause: unknown) => {
    throw new TaskgrantError('option_invalid', 'the folder of authorized keys cannot be read', { cause });
  });
  // What changed between reading and watching.
  reread();
  const timer = setInterval(reread, rereadEvery);
  timer.unref();
  const close = async () => {
    closed = true;
    keys = new Map();
    clearInterval(timer);
    clearTimeout(settling);
    unwatch();
    await reread.idle();
  };
  return {
    find: (issuer, keyId) => chosen(keys.get(issuer), keyId),
    issuers: () => [...keys.keys()],
    close,
    [ASYNC_DISPOSE]: close,
  };
}

/** One after the other, and never more than one waiting: the one that waits sees what all before it wanted seen. */
function inTurn(work: () => Promise<unknown>): (() => void) & { idle(): Promise<unknown> } {
  let running: Promise<unknown> | undefined;
  let again = false;
  const next = (): void => {
    if (running) {
      again = true;
      return;
    }
    running = work().finally(() => {
      running = undefined;
      if (!again) return;
      again = false;
      next();
    });
  };
  return Object.assign(next, { idle: () => running ?? Promise.resolve() });
}

async function readFolder(
  folder: string,
  onProblem: (file: string, problem: Error) => void,
): Promise<ReadonlyMap<string, readonly BoundKey[]>> {
  const files = (await readdir(folder)).filter((file) => ENDINGS.test(file) && !file.startsWith('.'));
  if (files.length > MOST_FILES) throw new Error(`the folder has more than ${MOST_FILES} files`);
  const keys = new Map<string, readonly BoundKey[]>();
  for (const file of files.sort()) {
    const issuer = file.replace(ENDINGS, '');
    try {
      if (!isName(issuer)) throw new Error('the name of the file cannot name an issuer');
      const all = [...(keys.get(issuer) ?? []), ...(await readKeys(join(folder, file)))];
      if (all.length > MOST_KEYS_PER_ISSUER)
        throw new Error(`more than ${MOST_KEYS_PER_ISSUER} keys of one issuer`);
      keys.set(issuer, all);
    } catch (problem) {
      onProblem(file, problem as Error);
    }
  }
  return keys;
}

async function readKeys(path: string): Promise<readonly BoundKey[]> {
  const about = await stat(path);
  if (!about.isFile() || about.size > LARGEST_FILE) throw new Error('it is no file of 64 KiB at most');
  const text = await readFile(path, 'utf8');
  if (/-----BEGIN/.test(text)) return [await publicKeyOf(text)];
  const json = parsed(text);
  const list = Array.isArray(json['keys']) ? (json['keys'] as JsonWebKey[]) : [json];
  return Promise.all(list.map(publicKeyOf));
}

function parsed(text: string): JsonWebKey & { readonly keys?: unknown } {
  try {
    const value = JSON.parse(text) as unknown;
    if (typeof value === 'object' && value !== null) return value as JsonWebKey;
  } catch {
    // The parser's message would quote the file, which may be a private key by mistake.
  }
  throw new Error('it is neither PEM nor JSON');
}
