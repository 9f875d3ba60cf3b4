#!/usr/bin/env node
// Developer tools: for Node.
import { readCommandLine, USAGE, UsageError } from './command-line.ts';
import { COMMANDS } from './commands.ts';

/** `npx taskgrant-dev` */
async function main(): Promise<void> {
  const { command, values } = readCommandLine(process.argv.slice(2));
  const print = (text: string) => void process.stdout.write(text);
  if (command === 'help') return print(USAGE);
  const untilStopped = () =>
    new Promise<void>((resolve) => {
      for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => resolve());
    });
  await COMMANDS[command](values, { print, untilStopped });
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  if (error instanceof UsageError) process.stderr.write(`\n${USAGE}`);
  process.exit(error instanceof UsageError ? 2 : 1);
});
