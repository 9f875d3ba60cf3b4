import type { Caller } from '../app/audit/audit-trail.ts';
import type { AppContext } from '../app/context.ts';
import { buildContext } from '../build.ts';
import { type Config, loadConfig } from '../config/load.ts';
import { createConsoleLoggers } from '../log/console-loggers.ts';

/** What a command works with: the database and its use cases, without HTTP and without the server's log files. */
export interface Session {
  readonly config: Config;
  readonly context: AppContext;
  readonly store: Awaited<ReturnType<typeof buildContext>>['store'];
  readonly keyring: Awaited<ReturnType<typeof buildContext>>['keyring'];
  readonly caller: Caller;
}

export function configuration(): Config {
  return loadConfig(process.env, process.cwd());
}

/**
 * An action of commander that runs in a session, which is closed whatever happens.
 * @throws ConfigurationError, DomainError, or the error of a database that cannot be opened.
 */
export function inSession<A extends unknown[]>(act: (session: Session, ...args: A) => Promise<void>) {
  return async (...args: A): Promise<void> => {
    const config = configuration();
    const { context, store, keyring, loggers } = await buildContext(config, undefined, {
      openLoggers: () => createConsoleLoggers(),
      brief: true,
    });
    try {
      await act({ config, context, store, keyring, caller: { actor: 'cli', origin: null } }, ...args);
    } finally {
      await store.close();
      await loggers.close();
    }
  };
}
