import type { Logger } from '../app/ports.ts';
import type { Loggers } from './loggers.ts';
import { logRecord, prettyLine } from './record.ts';

/**
 * For commands that run beside a server: its log files have one owner, so trouble goes to standard error and what
 * the audit trail records anyway is not repeated.
 */
export function createConsoleLoggers(write = (line: string) => void process.stderr.write(line)): Loggers {
  const silent = () => undefined;
  const quiet: Logger = { debug: silent, info: silent, warn: silent, error: silent };
  const tell = (level: 'warn' | 'error') => (message: string, fields?: Record<string, unknown>) =>
    write(`${prettyLine(logRecord(new Date(), level, 'cli', message, fields))}\n`);
  return {
    app: { ...quiet, warn: tell('warn'), error: tell('error') },
    oauth: quiet,
    agentActions: quiet,
    security: quiet,
    close: () => Promise.resolve(),
  };
}
