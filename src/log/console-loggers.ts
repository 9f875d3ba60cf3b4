import type { Logger } from '../app/ports.ts';
import type { Loggers } from './loggers.ts';
import { logRecord, prettyLine } from './record.ts';

/**
 * For commands that run beside a server: its log files have one owner, so errors that nobody is told of otherwise go
 * to standard error, and what the audit trail records anyway is not repeated.
 */
export function createConsoleLoggers(write = (line: string) => void process.stderr.write(line)): Loggers {
  const silent = () => undefined;
  const quiet: Logger = { debug: silent, info: silent, warn: silent, error: silent };
  const error = (message: string, fields?: Record<string, unknown>) =>
    write(`${prettyLine(logRecord(new Date(), 'error', 'cli', message, fields))}\n`);
  return {
    app: { ...quiet, error },
    oauth: quiet,
    agentActions: quiet,
    security: quiet,
    close: () => Promise.resolve(),
  };
}
