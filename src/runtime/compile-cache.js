import module from 'node:module';
import { fileURLToPath } from 'node:url';

// Plain JavaScript, with its types in compile-cache.d.ts: what is told here has to be told before Node meets TypeScript.

/** Beside the packages: whoever may write there may change the program anyway. */
const DIRECTORY = fileURLToPath(new URL('../../node_modules/.cache/taskgrant', import.meta.url));

export function keepCompiled() {
  // Threads and worker processes look there.
  process.env.NODE_COMPILE_CACHE ??= DIRECTORY;
  // Absent from Node 20, which main.ts refuses.
  module.enableCompileCache?.(process.env.NODE_COMPILE_CACHE);
}

export function writeCompiled() {
  module.flushCompileCache?.();
}
