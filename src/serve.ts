import type { AddressInfo } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { build, type Outside, type Taskgrant } from './build.ts';
import type { Config } from './config/config.ts';
import { drainingServer } from './process/draining-server.ts';
import { httpServer } from './process/http-server.ts';

/** A server process that answers requests. */
export interface Serving {
  readonly taskgrant: Taskgrant;
  readonly port: number;
  /**
   * Ends it: readiness turns 503, requests in flight finish, what waits is stored, files and database are closed.
   * True when nothing was cut. Calling it again changes nothing.
   */
  stop(): Promise<boolean>;
}

/** For storing what waits, once no request does. */
const CLOSE_WITHIN_MS = 5_000;

/** @throws when the configuration contradicts the store or the port is taken; nothing stays open then. */
export async function serve(config: Config, outside: Outside = {}): Promise<Serving> {
  return listen(config, await build(config, outside));
}

/** @throws NotListening when the port cannot be had, however closing goes. */
export async function listen(config: Config, taskgrant: Taskgrant): Promise<Serving> {
  const http = httpServer(config);
  const server = drainingServer(http);
  http.on('request', taskgrant.app.callback());
  try {
    await new Promise<void>((resolve, reject) => {
      http.once('error', reject);
      http.listen(config.port, config.host, resolve);
    });
  } catch (error) {
    await closed(taskgrant);
    throw new NotListening(error as Error, config, taskgrant);
  }
  const { port } = http.address() as AddressInfo;
  const { app } = taskgrant.loggers;
  // No memory or no number for one more connection: whoever is there goes on being answered.
  http.on('error', (error) => app.warn('a connection could not be accepted', { error: error.message }));
  const { issuer, host, databaseKind: database } = config;
  app.info('listening', { issuer, host, port, database });
  let stopping: Promise<boolean> | undefined;

  const stop = async (): Promise<boolean> => {
    app.info('draining');
    taskgrant.beginDraining();
    const { delay, timeout } = config.drain;
    const cut = await server.drain(delay * 1000, timeout * 1000, () => taskgrant.endStreams());
    const whole = cut.requests.length + cut.incomplete === 0;
    if (whole) app.info('drained');
    else app.warn('requests were cut: they took longer than DRAIN_TIMEOUT', { timeout, ...cut });
    return (await closed(taskgrant)) && whole;
  };
  return { taskgrant, port, stop: () => (stopping ??= stop()) };
}

/** The port could not be had; what the start had made is still to be shown. */
export class NotListening extends Error {
  override readonly name = 'NotListening';
  readonly created: Taskgrant['created'];

  constructor(cause: Error, { host, port }: Config, { created }: Taskgrant) {
    super(`The server cannot listen on ${host} (HOST), port ${port} (PORT): ${cause.message}`, { cause });
    this.created = created;
  }
}

/** What can still go wrong is told on standard error: the log files may be closed by then. */
async function closed(taskgrant: Taskgrant): Promise<boolean> {
  const late = setTimeout(CLOSE_WITHIN_MS, 'the database does not answer', { ref: false });
  const problem = await Promise.race([taskgrant.close().then(() => undefined, String), late]);
  if (problem !== undefined) process.stderr.write(`What waited could not all be stored: ${problem}\n`);
  return problem === undefined;
}
