#!/usr/bin/env node
import { keepCompiled } from '../runtime/compile-cache.js';

keepCompiled();
const { run } = await import('./run.ts');

// A reader that stops early (`| head`) is no failure.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit();
    throw error;
  });
}

process.exitCode = await run(process.argv.slice(2));
