import '../runtime/repaired-json-parse.ts';
import { CommanderError } from 'commander';
import { ConfigurationError } from '../config/load.ts';
import { DomainError } from '../domain/errors.ts';
import { EXIT, exitCodeOf, Told } from './exit-codes.ts';
import { plain } from './print.ts';
import { createProgram } from './program.ts';

/** Runs one command line and answers its exit code; whatever is wrong is told in one line on standard error. */
export async function run(args: readonly string[]): Promise<number> {
  try {
    await createProgram().parseAsync([...args], { from: 'user' });
    return EXIT.done;
  } catch (error) {
    // Commander has said it already.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
    if (error instanceof Told) return error.exitCode;
    process.stderr.write(`taskgrant: ${plain(messageOf(error))}\n`);
    if (error instanceof ConfigurationError) return EXIT.configuration;
    return error instanceof DomainError ? exitCodeOf(error) : EXIT.failed;
  }
}

function messageOf(error: unknown): string {
  if (error instanceof DomainError) return `${error.code}: ${error.message}`;
  const text = error instanceof Error ? error.message : String(error);
  return text.replace(/\s*\n\s*(- )?/g, '; ').replace(':; ', ': ');
}
