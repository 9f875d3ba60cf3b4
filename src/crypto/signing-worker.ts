import { createPrivateKey, type KeyObject } from 'node:crypto';
import { parentPort } from 'node:worker_threads';
import { SIGNATURES } from './signatures.ts';
import type { SigningAlgorithm } from './signing-key.ts';
import type { SignedBatch, SigningBatch } from './signing-thread.ts';

/** The thread of signing-thread.ts: signs all of a batch before it answers. */
const known: { readonly key: KeyObject; readonly algorithm: SigningAlgorithm }[] = [];

parentPort?.on('message', ({ newKeys, keys, inputs }: SigningBatch) => {
  for (const { jwk, algorithm } of newKeys) {
    known.push({ key: createPrivateKey({ key: jwk, format: 'jwk' }), algorithm });
  }
  const signed: SignedBatch = inputs.map((input, i) => {
    const { key, algorithm } = known[keys[i] as number] as (typeof known)[number];
    return SIGNATURES[algorithm](Buffer.from(input), key).toString('base64url');
  });
  parentPort?.postMessage(signed);
});
