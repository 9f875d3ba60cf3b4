// Developer tools: for Node.
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { calculateJwkThumbprint, exportJWK, exportPKCS8, exportSPKI, generateKeyPair, type JWK } from 'jose';
import { isName } from '../requests/authorized-keys.ts';
import type { KeyAlgorithm } from '../requests/request-keys.ts';
import { TaskgrantError } from '../shared/errors.ts';

/** A fresh key pair in the forms that people need. */
export interface NewKeyPair {
  readonly algorithm: KeyAlgorithm;
  /** The thumbprint of the key (RFC 7638). */
  readonly keyId: string;
  /** PKCS #8 and SPKI. */
  readonly privatePem: string;
  readonly publicPem: string;
  /** With `kid` and `alg`. */
  readonly privateJwk: JWK;
  readonly publicJwk: JWK;
}

/** Makes a key pair. Default: ES256. */
export async function createKeyPair(algorithm: KeyAlgorithm = 'ES256'): Promise<NewKeyPair> {
  const { privateKey, publicKey } = await generateKeyPair(algorithm, { extractable: true });
  const bare = await exportJWK(publicKey);
  const keyId = await calculateJwkThumbprint(bare);
  const named = { kid: keyId, alg: algorithm, use: 'sig' };
  return {
    algorithm,
    keyId,
    privatePem: await exportPKCS8(privateKey),
    publicPem: await exportSPKI(publicKey),
    privateJwk: { ...(await exportJWK(privateKey)), ...named },
    publicJwk: { ...bare, ...named },
  };
}

/** Where a key pair was written to. */
export interface WrittenKeys {
  /** Readable by its owner alone. */
  readonly privateFiles: readonly string[];
  /** `<issuer>.pem`, for `keysFromFolder`. */
  readonly publicFile: string;
  /** `<issuer>.jwks.json`, for `keysFromJwks` and for registering an agent. */
  readonly jwksFile: string;
}

/** Whose keys are written, and where. */
export interface KeyFiles {
  /** The name that the keys are for. */
  readonly issuer: string;
  /** Folder of the public key. Default `authorized_keys`. */
  readonly keysDir?: string | undefined;
  /** Folder of the private key and of the key set. Default `.`; never the folder of the public keys. */
  readonly privateDir?: string | undefined;
}

/**
 * Writes a key pair: private PEM and JWK (mode 0600), public PEM for the folder of authorized keys, and a key set.
 * @throws TaskgrantError `option_invalid` for a name that cannot be a file; Error `EEXIST` rather than overwriting.
 */
export async function writeKeyPair(
  pair: NewKeyPair,
  { issuer, keysDir = 'authorized_keys', privateDir = '.' }: KeyFiles,
): Promise<WrittenKeys> {
  if (!isName(issuer) || /^[.~-]|[/:*?"<>|]/.test(issuer)) {
    throw new TaskgrantError('option_invalid', 'the issuer must be a name that a file can have');
  }
  await mkdir(keysDir, { recursive: true });
  await mkdir(privateDir, { recursive: true, mode: 0o700 });
  const privateFiles = [
    join(privateDir, `${issuer}.private.pem`),
    join(privateDir, `${issuer}.private.jwk.json`),
  ];
  const [pem = '', jwk = ''] = privateFiles;
  await writeSecret(pem, pair.privatePem);
  await writeSecret(jwk, json(pair.privateJwk));
  const publicFile = join(keysDir, `${issuer}.pem`);
  const jwksFile = join(privateDir, `${issuer}.jwks.json`);
  await writeFile(publicFile, ended(pair.publicPem), { flag: 'wx' });
  await writeFile(jwksFile, json({ keys: [pair.publicJwk] }), { flag: 'wx' });
  return { privateFiles, publicFile, jwksFile };
}

/** Never over a file that is there, and readable by nobody else from its first byte on. */
async function writeSecret(path: string, text: string): Promise<void> {
  await writeFile(path, ended(text), { flag: 'wx', mode: 0o600 });
  await chmod(path, 0o600);
}

function json(value: object): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

function ended(text: string): string {
  return text.endsWith('\n') ? text : `${text}\n`;
}
