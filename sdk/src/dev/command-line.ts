// Developer tools: for Node.
import { parseArgs } from 'node:util';

export const USAGE = `Usage: taskgrant-dev <command> [options]

  keys --issuer NAME [--alg ES256|EdDSA|RS256] [--keys-dir DIR] [--private-dir DIR]
        Makes a key pair: private files readable by you alone, the public key for the folder of authorized keys,
        and a key set (JWKS). Overwrites nothing.

  token --issuer NAME --key FILE --url URL [--method POST] [--body TEXT | --body-file FILE] [--audience NAME]
        Prints the Authorization header of one request with this body, good for a minute and for that request only.

  server [--directory DIR] [--port N]
        Runs a throw-away server until Ctrl-C: a free port, an empty database, credentials printed.
`;

/** The command line is wrong; the message says how, for the person who typed it. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

const OPTIONS = {
  keys: ['issuer', 'alg', 'keys-dir', 'private-dir'],
  token: ['issuer', 'key', 'url', 'method', 'body', 'body-file', 'audience'],
  server: ['directory', 'port'],
} as const;
export type Command = keyof typeof OPTIONS;

export interface CommandLine {
  readonly command: Command | 'help';
  readonly values: Readonly<Record<string, string | undefined>>;
}

/** @throws UsageError */
export function readCommandLine([command = 'help', ...rest]: readonly string[]): CommandLine {
  if (['help', '--help', '-h'].includes(command) || rest.includes('--help'))
    return { command: 'help', values: {} };
  if (!Object.hasOwn(OPTIONS, command)) throw new UsageError('there is no such command');
  const names = OPTIONS[command as Command];
  const options = Object.fromEntries(names.map((name) => [name, { type: 'string' as const }]));
  try {
    const { values } = parseArgs({ args: rest, options, strict: true, allowPositionals: false });
    return { command: command as Command, values };
  } catch (error) {
    throw new UsageError((error as Error).message.split(/\.\s/)[0] ?? 'wrong usage', { cause: error });
  }
}

/** @throws UsageError when it was not given */
export function required(values: CommandLine['values'], name: string): string {
  const value = values[name];
  if (value === undefined || value === '') throw new UsageError(`--${name} is needed`);
  return value;
}
