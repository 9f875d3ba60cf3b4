import { LineBuffer } from './line-buffer.ts';
import { type FileName, type Files, openFiles, type Rotation } from './open-files.ts';
import type { ProblemReporter } from './problem-reporter.ts';
import type { Level } from './record.ts';
import { StandardOutput } from './standard-output.ts';

const HOUR = 3_600_000;

export interface DestinationSettings {
  /** Directory of the log files; made when missing. */
  logDir: string;
  rotation: Rotation;
  /** `pretty` for a person at a terminal, `json` for a collector, `silent` for none. */
  console: 'pretty' | 'json' | 'silent';
}

/** A record that is ready to be written. */
export interface Written {
  readonly level: Level;
  readonly line: string;
  /** For a person; absent unless one reads the console. */
  readonly pretty?: string | undefined;
}

/** Where lines go: five files and, unless silent, standard output. */
export interface Destinations {
  /** Gives a record to the named files, to error.log if it is an error, and to the console. */
  deliver(names: readonly FileName[], written: Written): void;
  /** Writes what waits and closes the files. */
  close(): Promise<void>;
}

/**
 * Opens the files. A process that ends without close() still writes what waits, whatever it ends by short of a kill.
 * @throws {Error} with a clear text when the directory cannot be written
 */
export function openDestinations(
  settings: DestinationSettings,
  now: () => Date,
  problems: ProblemReporter,
): Destinations {
  const files = openFiles(settings.logDir, settings.rotation, now, (name, problem) =>
    problems(`${name}.log`, problem),
  );
  const buffers = bufferEach(files, problems);
  const console = settings.console === 'silent' ? undefined : openConsole(problems);
  const timer = setInterval(() => Object.values(files).forEach((file) => file.tick()), HOUR).unref();
  const beforeExit = () => {
    console?.close();
    for (const [name, file] of Object.entries(files)) file.writeNow(buffers[name as FileName].take());
  };
  process.on('exit', beforeExit);
  return {
    deliver(names, { level, line, pretty }) {
      for (const name of names) buffers[name].add(line);
      if (level === 'error') buffers.error.add(line);
      console?.add(pretty ?? line);
    },
    async close() {
      clearInterval(timer);
      console?.close();
      for (const buffer of Object.values(buffers)) buffer.end();
      await Promise.all(Object.values(files).map((file) => file.finish()));
      process.off('exit', beforeExit);
    },
  };
}

type Buffers = Record<FileName, LineBuffer>;

function bufferEach(files: Files, problems: ProblemReporter): Buffers {
  const buffers = Object.entries(files).map(([name, file]) => {
    const onDrop = () => problems(`${name}.log`, new Error('the disk is too slow; lines are dropped'));
    return [name, new LineBuffer(file, onDrop)] as const;
  });
  return Object.fromEntries(buffers) as Buffers;
}

interface Console {
  add(line: string): void;
  close(): void;
}

function openConsole(problems: ProblemReporter): Console {
  const onError = (error: Error) => problems('the console', error);
  process.stdout.on('error', onError); // Of what others write there; also makes a pipe one that does not block.
  const output = new StandardOutput(process.stdout.fd, onError);
  const buffer = new LineBuffer(output, () =>
    onError(new Error('its reader is too slow; lines are dropped')),
  );
  return {
    add: (line) => buffer.add(line),
    close() {
      buffer.end();
      output.finish();
      process.stdout.off('error', onError);
    },
  };
}
