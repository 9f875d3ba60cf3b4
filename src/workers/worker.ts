import '../runtime/repaired-json-parse.ts';
import { writeCompiled } from '../runtime/compile-cache.js';
import { endProcess } from '../process/end-process.ts';
import type { FromWorker, ToWorker } from './messages.ts';
import type { Serving } from '../serve.ts';

/**
 * One of several server processes: started by the primary, which has prepared the database and owns the port. It ends
 * when told to, by a signal, or when the primary is gone.
 */
let serving: Promise<Serving> | undefined;

process.on('message', (message: ToWorker) => {
  if (message.do === 'serve') serving = begin(message);
  else void end();
});
// Once or many times: a terminal signals every process of the group, and the primary tells us as well.
process.on('SIGTERM', () => void end());
process.on('SIGINT', () => void end());
process.on('SIGHUP', () => void end());
tell({ is: 'started' });

async function begin({ config }: Extract<ToWorker, { do: 'serve' }>): Promise<Serving> {
  try {
    const { serve } = await import('../serve.ts');
    const started = await serve(config, { prepared: true });
    tell({ is: 'listening' });
    writeCompiled();
    return started;
  } catch (error) {
    tell({ is: 'failed', reason: error instanceof Error ? error.message : String(error) }, () =>
      endProcess(1),
    );
    return new Promise(() => undefined);
  }
}

async function end(): Promise<void> {
  const whole = serving === undefined || (await (await serving).stop());
  endProcess(whole ? 0 : 1);
}

function tell(message: FromWorker, then: () => void = () => undefined): void {
  process.send?.(message, undefined, undefined, then);
}
