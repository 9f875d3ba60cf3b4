import { once } from 'node:events';
import { accessSync, constants, mkdirSync } from 'node:fs';
import winston from 'winston';
import type { Logger } from '../app/ports.ts';
import { jsonLine, LEVELS, type Level, type LogRecord, logRecord, prettyLine } from './record.ts';
import { redactText } from './redact-text.ts';
import { RotatingFile } from './rotating-file.ts';

/** Most bytes that wait for a slow disk per file; beyond it lines are dropped rather than memory used up. */
const MAX_WAITING = 16 * 1024 * 1024;
const HOUR = 3_600_000;

/** Where winston keeps the finished line of a record. */
const LINE = Symbol.for('message');

export interface LogSettings {
  /** Directory of the log files; made when missing. */
  logDir: string;
  level: Level;
  rotation: {
    /** Bytes with k, m or g: `20m`. */
    maxSize: string;
    /** Days for which files put aside are kept. */
    maxDays: number;
    compress: boolean;
  };
  /** `pretty` for a person at a terminal, `json` for a collector, `silent` for none. */
  console: 'pretty' | 'json' | 'silent';
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

/**
 * Opens the log files. From here on no failure of logging reaches the caller.
 * @throws {Error} with a clear text when the directory cannot be written
 */
export function createLoggers(settings: LogSettings): Loggers {
  assertWritable(settings.logDir);
  const now = settings.now ?? (() => new Date());
  const problems = problemReporter(settings.onProblem ?? ((text) => process.stderr.write(`${text}\n`)));
  const files = openFiles(settings, now, problems);
  const state: State = { closed: false, subjects: [] };
  const logger = (subject: string, ...own: FileName[]): Logger => {
    const names: FileName[] = ['app', ...own];
    const transports = names.map((name) => toFile(files, name, settings.level, problems));
    transports.push(toFile(files, 'error', 'error', problems), ...toConsole(settings));
    const target = createWinston(settings.level, transports, problems);
    state.subjects.push(target);
    return asLogger(target, subject, now, state, problems);
  };
  const loggers = {
    app: logger('app'),
    oauth: logger('oauth', 'oauth'),
    agentActions: logger('agent_actions', 'agent_actions'),
    security: logger('security', 'security'),
  };
  const consoleFails = (error: Error) => problems('the console', error);
  if (settings.console !== 'silent') process.stdout.on('error', consoleFails);
  const timer = setInterval(() => Object.values(files).forEach((file) => file.tick()), HOUR).unref();
  return {
    ...loggers,
    close: async () => {
      clearInterval(timer);
      await close(state, files);
      process.stdout.off('error', consoleFails);
    },
  };
}

const FILE_NAMES = ['app', 'error', 'oauth', 'agent_actions', 'security'] as const;
type FileName = (typeof FILE_NAMES)[number];
type Files = Record<FileName, RotatingFile>;

interface State {
  closed: boolean;
  subjects: winston.Logger[];
}

type Problems = (subject: string, problem: Error) => void;

/** Reports the first failure of each file, so that a full disk fills no terminal as well. */
function problemReporter(tell: (text: string) => void): Problems {
  const told = new Set<string>();
  return (subject, problem) => {
    if (told.has(subject)) return;
    told.add(subject);
    const reason = redactText(problem.message);
    try {
      tell(`Logging to ${subject} fails (further failures are not reported): ${reason}`);
    } catch {
      // There is nowhere left to tell it.
    }
  };
}

function assertWritable(directory: string): void {
  try {
    mkdirSync(directory, { recursive: true });
    accessSync(directory, constants.W_OK | constants.X_OK);
  } catch (error) {
    throw unwritable(directory, error);
  }
}

function unwritable(directory: string, error: unknown): Error {
  const reason = (error as Error).message;
  return new Error(`The log directory ${directory} (LOG_DIR) cannot be written: ${reason}`, { cause: error });
}

/** Opens all files or, giving up those already open, none. */
function openFiles(settings: LogSettings, now: () => Date, problems: Problems): Files {
  const opened: [FileName, RotatingFile][] = [];
  try {
    for (const name of FILE_NAMES) opened.push([name, openFile(settings, name, now, problems)]);
  } catch (error) {
    for (const [, file] of opened) file.destroy();
    throw unwritable(settings.logDir, error);
  }
  return Object.fromEntries(opened) as Files;
}

function openFile(settings: LogSettings, name: string, now: () => Date, problems: Problems): RotatingFile {
  const { logDir, rotation } = settings;
  const file = new RotatingFile({
    directory: logDir,
    name,
    maxBytes: sizeInBytes(rotation.maxSize),
    maxDays: rotation.maxDays,
    compress: rotation.compress,
    now,
    onProblem: (problem) => problems(`${name}.log`, problem),
  });
  return file.on('error', (problem) => problems(`${name}.log`, problem));
}

/** `20m` as bytes. @throws {RangeError} when the text is no size */
export function sizeInBytes(size: string): number {
  const [, amount, unit] = /^(\d+)([kmg])$/i.exec(size) ?? [];
  const factor = { k: 1024, m: 1024 ** 2, g: 1024 ** 3 }[(unit ?? '').toLowerCase()];
  if (amount === undefined || factor === undefined)
    throw new RangeError(`"${size}" is not a size such as 20m`);
  return Number(amount) * factor;
}

function toFile(files: Files, name: FileName, level: Level, problems: Problems): winston.transport {
  const stream = files[name];
  const dropWhenBehind = winston.format((info) => {
    if (stream.writableLength <= MAX_WAITING) return info;
    problems(`${name}.log`, new Error('the disk is too slow; lines are dropped'));
    return false;
  });
  return new winston.transports.Stream({ stream, level, format: dropWhenBehind(), eol: '\n' });
}

function toConsole({ console: style, level }: LogSettings): winston.transport[] {
  if (style === 'silent') return [];
  const pretty = winston.format((info) => ({ ...info, [LINE]: prettyLine(info['record'] as LogRecord) }));
  return [
    new winston.transports.Stream({
      stream: process.stdout,
      level,
      eol: '\n',
      ...(style === 'pretty' ? { format: pretty() } : {}),
    }),
  ];
}

function createWinston(level: Level, transports: winston.transport[], problems: Problems): winston.Logger {
  const levels = Object.fromEntries(LEVELS.map((name, rank) => [name, rank]));
  const line = winston.format((info) => ({ ...info, [LINE]: jsonLine(info['record'] as LogRecord) }));
  const logger = winston.createLogger({ level, levels, format: line(), transports, exitOnError: false });
  logger.on('error', (error: Error) => problems('a file', error));
  return logger;
}

/** The one way into winston. Everything is redacted here, before any format or transport sees it. */
function asLogger(
  target: winston.Logger,
  subject: string,
  now: () => Date,
  state: State,
  problems: Problems,
): Logger {
  const write = (level: Level) => (message: string, fields?: Record<string, unknown>) => {
    try {
      if (state.closed || !target.isLevelEnabled(level)) return;
      const record = logRecord(now(), level, subject, message, fields);
      target.write({ level, message: record.message, record, [Symbol.for('level')]: level });
    } catch (error) {
      problems(subject, error as Error);
    }
  };
  return { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') };
}

async function close(state: State, files: Files): Promise<void> {
  if (state.closed) return;
  state.closed = true;
  const finished = state.subjects.map((logger) => once(logger, 'finish'));
  for (const logger of state.subjects) logger.end();
  await Promise.all(finished);
  await Promise.all(Object.values(files).map((file) => file.finish()));
}
