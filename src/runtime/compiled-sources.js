import { createHash } from 'node:crypto';
import { accessSync, constants, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import module from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

// Plain JavaScript: Node must not meet TypeScript before.

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const FOLDERS = ['src', 'migrations'];
const COMPILE = join(ROOT, 'src/runtime/compile.js');
/** Ten times what it takes on a slow machine, in milliseconds. */
const PATIENCE_MS = 30_000;

/**
 * Lets a process of its own compile all that a server may load, if the sources are others than those that were compiled
 * last: the part of Node that strips types would stay in this one, and in its threads, with the memory that it needs.
 * Does nothing where nothing is kept. To be called after keepCompiled.
 */
export async function compileFirst() {
  // Absent from Node 20, which main.ts refuses. Undefined where nothing is kept.
  const directory = module.getCompileCacheDir?.();
  if (directory === undefined || !mayWrite(directory) || readNote(directory) === sources()) return;
  const { spawn } = await import('node:child_process');
  // With what V8 is told here: it takes nothing that was made otherwise. A debugger is for this process.
  const args = process.execArgv.filter((arg) => !arg.startsWith('--inspect'));
  const compiling = spawn(process.execPath, [...args, COMPILE], { stdio: 'ignore' });
  // Nobody could tell it to end, when it imports what listens for signals.
  const end = () => compiling.kill('SIGKILL');
  const late = setTimeout(end, PATIENCE_MS);
  process.once('exit', end);
  await new Promise((resolve) => compiling.once('exit', resolve).once('error', resolve));
  process.off('exit', end);
  clearTimeout(late);
}

/** What tells these sources from others. */
export function sources() {
  const files = FOLDERS.flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true }).map((name) => join(folder, String(name))),
  );
  return files
    .filter((file) => file.endsWith('.ts'))
    .flatMap((file) => {
      // An editor may have linked to nothing there, and an update may take files away meanwhile.
      const found = statSync(join(ROOT, file), { throwIfNoEntry: false });
      // Not every copy keeps more than the seconds.
      return found ? `${file} ${found.size} ${Math.floor(found.mtimeMs / 1000)}` : [];
    })
    .join('\n');
}

/** Notes what was compiled: of sources(), before they were read. */
export function noteCompiled(what) {
  const directory = module.getCompileCacheDir?.();
  if (directory !== undefined) writeFileSync(noteIn(directory), what);
}

function readNote(directory) {
  try {
    return readFileSync(noteIn(directory), 'utf8');
  } catch {
    return undefined;
  }
}

function mayWrite(directory) {
  try {
    accessSync(directory, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** Several checkouts may share a directory. */
function noteIn(directory) {
  return join(directory, `sources-${createHash('sha256').update(ROOT).digest('hex').slice(0, 16)}`);
}
