import { keepCompiled } from './runtime/compile-cache.js';
import { compileFirst } from './runtime/compiled-sources.js';
import { widenThreadPool } from './runtime/thread-pool.js';

// `npm start`. A single file of TypeScript that Node has to strip itself would cost the process 17 MB.
widenThreadPool();
keepCompiled();

// Process 1 of a container gets no signal that nobody listens to. Nothing has begun that would have to be ended.
const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'];
const end = () => process.exit();
for (const signal of SIGNALS) process.on(signal, end);
await compileFirst();
// It listens from its first line on.
await import('./main.ts');
for (const signal of SIGNALS) process.off(signal, end);
