import { createPrivateKey, type KeyObject } from 'node:crypto';
import { parentPort } from 'node:worker_threads';
import { SIGNATURES } from './signatures.ts';
import type { SignedBatch, SigningBatch } from './signing-thread.ts';

/** The thread of signing-thread.ts: signs all of a batch before it answers. */
const keys: KeyObject[] = [];

parentPort?.on('message', ({ newKeys, jobs }: SigningBatch) => {
  for (const jwk of newKeys) keys.push(createPrivateKey({ key: jwk, format: 'jwk' }));
  const signed: SignedBatch = jobs.map(({ key, algorithm, input }) =>
    SIGNATURES[algorithm](Buffer.from(input), keys[key] as KeyObject).toString('base64url'),
  );
  parentPort?.postMessage(signed);
});
