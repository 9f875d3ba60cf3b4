import { keepCompiled, writeCompiled } from './compile-cache.js';
import { noteCompiled, sources } from './compiled-sources.js';

// Compiles all that a server, its workers and its threads load, before the first of them starts. None of it does anything
// by being imported here, except main.ts.
keepCompiled();
const compiled = sources();
const { loadMigrations } = await import('../store/schema/migrate.ts');
await loadMigrations();
await import('../config/load.ts');
await import('../serve.ts');
await import('../process/welcome.ts');
await import('../store/commit/plain/commit-worker.ts');
await import('../workers/primary.ts');
await import('../workers/worker.ts');
// It serves, unless it is asked for help.
process.argv.splice(2, Number.POSITIVE_INFINITY, '--help');
await import('../main.ts');
writeCompiled();
noteCompiled(compiled);
// Whatever else was loaded into this process, such as what observes programs, may go on for ever.
process.exit();
