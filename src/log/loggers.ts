import { once } from 'node:events';
import winston from 'winston';
import type { Logger } from '../app/ports.ts';
import {
  type Destinations,
  type DestinationSettings,
  openDestinations,
  type Written,
} from './destinations.ts';
import type { FileName } from './open-files.ts';
import { type ProblemReporter, problemReporter } from './problem-reporter.ts';
import { LEVELS, type Level, logRecord, prettyLine, recordLine } from './record.ts';

export interface LogSettings extends DestinationSettings {
  level: Level;
  now?: () => Date;
  /** Where trouble with logging itself is told; standard error when absent. */
  onProblem?: (text: string) => void;
}

/** One logger per subject. Each also writes to app.log and, what is an error, to error.log. */
export interface Loggers {
  app: Logger;
  /** oauth.log */
  oauth: Logger;
  /** agent_actions.log */
  agentActions: Logger;
  /** security.log */
  security: Logger;
  /** Writes what is waiting and closes the files. Later lines are dropped. */
  close(): Promise<void>;
}

/** winston's types name its base class of transports otherwise than the package does. */
const { Transport } = winston as unknown as {
  Transport: new (options: { log: (written: Written, next: () => void) => void }) => winston.transport;
};

interface State {
  closed: boolean;
  /** Whether a person reads the console. */
  readonly pretty: boolean;
  readonly subjects: winston.Logger[];
}

/**
 * Opens the log files. From here on no failure of logging reaches the caller.
 * @throws {Error} with a clear text when the directory cannot be written
 */
export function createLoggers(settings: LogSettings): Loggers {
  const now = settings.now ?? (() => new Date());
  const problems = problemReporter(settings.onProblem ?? ((text) => process.stderr.write(`${text}\n`)));
  const destinations = openDestinations(settings, now, problems);
  const state: State = { closed: false, pretty: settings.console === 'pretty', subjects: [] };
  const logger = (subject: string, ...own: FileName[]): Logger => {
    const target = createWinston(settings.level, toFiles(destinations, ['app', ...own]), problems);
    state.subjects.push(target);
    return asLogger(target, subject, now, state, problems);
  };
  return {
    app: logger('app'),
    oauth: logger('oauth', 'oauth'),
    agentActions: logger('agent_actions', 'agent_actions'),
    security: logger('security', 'security'),
    close: () => close(state, destinations),
  };
}

/** One transport for all destinations: what winston does for each would cost more than the writing. */
function toFiles(destinations: Destinations, names: readonly FileName[]): winston.transport {
  return new Transport({
    log(written: Written, next: () => void) {
      destinations.deliver(names, written);
      next();
    },
  });
}

function createWinston(
  level: Level,
  transport: winston.transport,
  problems: ProblemReporter,
): winston.Logger {
  const levels = Object.fromEntries(LEVELS.map((name, rank) => [name, rank]));
  const logger = winston.createLogger({
    level,
    levels,
    transports: [transport],
    exitOnError: false,
  });
  logger.on('error', (error: Error) => problems('a file', error));
  return logger;
}

/** Transports of ours are done when they return. */
const nothingMore = () => undefined;

/**
 * The one way into winston. Everything is redacted here, before any transport sees it. Its transports are handed the
 * record without the two streams that winston has on the way: the lines are finished, and are buffered behind it.
 */
function asLogger(
  target: winston.Logger,
  subject: string,
  now: () => Date,
  state: State,
  problems: ProblemReporter,
): Logger {
  const write = (level: Level) => {
    const isEnabled = target.isLevelEnabled(level);
    return (message: string, fields?: Record<string, unknown>) => {
      if (state.closed || !isEnabled) return;
      try {
        const at = now();
        const line = recordLine(at, level, subject, message, fields);
        const pretty = state.pretty ? prettyLine(logRecord(at, level, subject, message, fields)) : undefined;
        const written: Written = { level, line, pretty };
        for (const transport of target.transports) transport.log?.(written, nothingMore);
      } catch (error) {
        problems(subject, error as Error);
      }
    };
  };
  return { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') };
}

async function close(state: State, destinations: Destinations): Promise<void> {
  if (state.closed) return;
  state.closed = true;
  const finished = state.subjects.map((logger) => once(logger, 'finish'));
  for (const logger of state.subjects) logger.end();
  await Promise.all(finished);
  await destinations.close();
}
