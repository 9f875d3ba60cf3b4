import { parseArgs } from 'node:util';

/** The command line is wrong; the message says how, for the person who typed it. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

export interface CommandLine {
  readonly help: boolean;
  /** As text: it takes the place of the variable WORKERS. */
  readonly workers: string | undefined;
}

export const USAGE = `Usage: npm start -- [options]

Starts the server. Everything else is a setting: docs/configuration.md lists them.

  --workers N   run N processes behind the one port; more than 1 needs PostgreSQL. Wins over WORKERS.
  --help        print this text
`;

/** @throws UsageError for anything that is not an option of the server. */
export function readCommandLine(args: readonly string[]): CommandLine {
  const { help = false, workers } = parse(args);
  if (workers !== undefined && !/^\d{1,4}$/.test(workers)) {
    throw new UsageError(`--workers takes a whole number, got "${workers}"`);
  }
  return { help, workers };
}

function parse(args: readonly string[]) {
  try {
    const options = { help: { type: 'boolean' }, workers: { type: 'string' } } as const;
    return parseArgs({ args: [...args], options, strict: true, allowPositionals: false }).values;
  } catch (error) {
    // Node adds advice on positional arguments after the first sentence.
    throw new UsageError((error as Error).message.split(/\.\s/)[0] ?? 'wrong usage', { cause: error });
  }
}
