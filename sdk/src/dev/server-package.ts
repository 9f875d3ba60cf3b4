// Developer tools: for Node.
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { TaskgrantError } from '../shared/errors.ts';

/** The server as it lies on this computer. */
export interface ServerPackage {
  /** What Node runs. */
  readonly main: string;
  /** A Node that can run it: its own, or the one that runs this. */
  readonly node: string;
}

const OLDEST_NODE = 22;

/**
 * Finds the server: in a directory, or as the package `taskgrant` next to whoever asks.
 * @throws TaskgrantError `option_invalid` when it is not there, or no Node can run it.
 */
export function findServer(directory?: string): ServerPackage {
  const home = directory === undefined ? installed() : resolve(directory);
  const main = join(home, 'src', 'main.ts');
  if (!existsSync(main))
    throw new TaskgrantError('option_invalid', 'there is no Taskgrant server in that directory');
  return { main, node: nodeFor(home) };
}

function installed(): string {
  try {
    return dirname(createRequire(join(process.cwd(), 'package.json')).resolve('taskgrant/package.json'));
  } catch {
    throw new TaskgrantError(
      'option_invalid',
      'the package taskgrant is not installed here: install it, or say the directory of the server',
    );
  }
}

/** The server runs its TypeScript as it is, which this Node may be too old for; the server brings its own. */
function nodeFor(home: string): string {
  const own = join(home, 'node_modules', 'node', 'bin', 'node');
  if (existsSync(own)) return own;
  if (Number.parseInt(process.versions.node, 10) >= OLDEST_NODE) return process.execPath;
  throw new TaskgrantError(
    'option_invalid',
    `the server needs Node ${OLDEST_NODE} or later: run "npm ci" in its directory`,
  );
}
