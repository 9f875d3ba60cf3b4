import { keepCompiled } from './compile-cache.js';
import { compileFirst } from './compiled-sources.js';
import { widenThreadPool } from './thread-pool.js';

// `npm start`. A single file of TypeScript that Node has to strip itself would cost the process 17 MB.
widenThreadPool();
keepCompiled();
await compileFirst();
await import('./main.ts');
