import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
// V8 refuses what was compiled before under other flags (keep-compiled.ts).
setFlagsFromString('--no-expose-gc');

/** Bytes of objects that are still needed. */
export function memoryInUse(): number {
  collect();
  return process.memoryUsage().heapUsed;
}
