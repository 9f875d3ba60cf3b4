import cluster from 'node:cluster';
import { join } from 'node:path';
import type { Bootstrapped } from '../app/bootstrap/bootstrap-options.ts';
import { buildContext } from '../build.ts';
import type { Config } from '../config/config.ts';
import { endProcess } from '../process/end-process.ts';
import { firstStart } from '../process/first-start.ts';
import type { Signals } from '../process/signals.ts';
import { madeOnce, welcome } from '../process/welcome.ts';
import type { Loggers } from '../log/loggers.ts';
import { type Fleet, startFleet } from './fleet.ts';

/**
 * Prepares the database, starts the workers and watches over them. It owns the port and hands each connection to the
 * next worker (node:cluster, in turn); it answers no request itself.
 */
export async function runPrimary(config: Config, signals: Signals): Promise<void> {
  const { created, loggers } = await prepare(config);
  const { app } = loggers;
  cluster.setupPrimary({ exec: join(import.meta.dirname, 'worker.ts'), args: [] });
  app.info('starting workers', { workers: config.workers, host: config.host, port: config.port });
  let ending = false;
  let shown = false;

  const end = async (begin: string, exitCode: number): Promise<void> => {
    if (ending) {
      fleet.kill();
      endProcess(1);
    }
    ending = true;
    app.info(begin);
    const whole = await fleet.stop();
    // Secrets are made once: whatever else went wrong, they are shown.
    if (!shown) process.stdout.write(madeOnce(config, created));
    await loggers.close();
    endProcess(whole ? exitCode : 1);
  };
  const fleet: Fleet = startFleet(config, app, {
    up() {
      shown = true;
      process.stdout.write(welcome(config, created));
    },
    gaveUp(reason) {
      if (ending) return;
      app.error('giving up: workers keep dying right after their start', { reason });
      process.stderr.write(`Workers keep dying right after their start (${reason})\n`);
      void end('ending the other workers', 1);
    },
  });
  signals.lead(() => void end('draining the workers', 0));
}

/** Schema, signing key and administrator, once for all workers. The primary keeps no connection to the database. */
async function prepare(config: Config): Promise<{ created: Bootstrapped; loggers: Loggers }> {
  const { context, keyring, loggers, store } = await buildContext(config, undefined, { brief: true });
  try {
    return { created: await firstStart(context, config, keyring), loggers };
  } finally {
    // Secrets are made once: however closing goes, they are shown.
    await store.close().catch((error: unknown) => loggers.app.warn('the database was not closed', { error }));
  }
}
