// Developer tools: for Node.
import { readFile } from 'node:fs/promises';
import { createRequestToken } from '../requests/request-token.ts';
import type { KeyAlgorithm, KeyMaterial } from '../requests/request-keys.ts';
import { type Command, type CommandLine, required, UsageError } from './command-line.ts';
import { createKeyPair, writeKeyPair } from './key-pair.ts';
import { refuseProduction } from './production.ts';
import { startTestServer } from './test-server.ts';

/** What a command has of the outside. */
export interface Outside {
  print(text: string): void;
  /** Resolves when the person wants the server to end. */
  untilStopped(): Promise<void>;
}

type Values = CommandLine['values'];
const ALGORITHMS: readonly string[] = ['ES256', 'EdDSA', 'RS256'];

/** What `taskgrant-dev` does. @throws UsageError, and what the parts throw */
export const COMMANDS: Readonly<Record<Command, (values: Values, outside: Outside) => Promise<void>>> = {
  keys: makeKeys,
  token: makeToken,
  server: runServer,
};

async function makeKeys(values: Values, { print }: Outside): Promise<void> {
  const issuer = required(values, 'issuer');
  const algorithm = values['alg'] ?? 'ES256';
  if (!ALGORITHMS.includes(algorithm)) throw new UsageError(`--alg is one of ${ALGORITHMS.join(', ')}`);
  const pair = await createKeyPair(algorithm as KeyAlgorithm);
  const files = { issuer, keysDir: values['keys-dir'], privateDir: values['private-dir'] };
  const { privateFiles, publicFile, jwksFile } = await writeKeyPair(pair, files);
  print(
    `private  ${privateFiles.join(', ')}\npublic   ${publicFile}\nkey set  ${jwksFile}\nkid      ${pair.keyId}\n`,
  );
}

async function makeToken(values: Values, { print }: Outside): Promise<void> {
  refuseProduction('a token for trying');
  const file = values['body-file'];
  if (file !== undefined && values['body'] !== undefined)
    throw new UsageError('--body and --body-file exclude each other');
  const body = file === undefined ? (values['body'] ?? '') : new Uint8Array(await readFile(file));
  const subject = { method: values['method'] ?? 'POST', url: required(values, 'url'), body };
  if (!URL.canParse(subject.url)) throw new UsageError('--url must be a URL');
  const privateKey = keyMaterial(await readFile(required(values, 'key'), 'utf8'));
  const options = { issuer: required(values, 'issuer'), privateKey, audience: values['audience'] };
  print(`Authorization: Bearer ${await createRequestToken(subject, options)}\n`);
}

async function runServer({ directory, port }: Values, { print, untilStopped }: Outside): Promise<void> {
  if (port !== undefined && !/^\d{1,5}$/.test(port)) throw new UsageError('--port takes a number');
  const server = await startTestServer({ directory, port: port === undefined ? undefined : Number(port) });
  try {
    const { admin, administrator, issuer } = server;
    const lines = [
      `server        ${issuer}`,
      `admin client  ${admin.clientId}`,
      `admin secret  ${admin.clientSecret}`,
      `administrator ${administrator.email}`,
      `password      ${administrator.password}`,
    ];
    print(`${lines.join('\n')}\nEverything is thrown away when it ends (Ctrl-C).\n`);
    await untilStopped();
  } finally {
    await server.stop();
  }
}

function keyMaterial(text: string): KeyMaterial {
  if (!text.trimStart().startsWith('{')) return text;
  try {
    return JSON.parse(text) as KeyMaterial;
  } catch {
    // The parser's message would quote the key.
    throw new UsageError('--key names a file that is neither PEM nor a JWK');
  }
}
