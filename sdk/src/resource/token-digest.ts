import { sha256 } from '../shared/encoding.ts';

/** SHA-256 in base64url, at once or later. */
export type TokenDigest = (text: string) => string | Promise<string>;

type OneShotHash = (algorithm: string, data: string, encoding: 'base64url') => string;

/**
 * What tokens are remembered by, so that no token value stays in memory. WebCrypto answers only after a trip to another
 * thread, which costs more than everything else that a known token needs; where the runtime has Node's one-shot hash
 * (Node ≥ 20.16, Deno, Bun, workers with Node compatibility), that is taken. It is looked up, not imported: bundles for
 * runtimes without it stay whole.
 */
export function createTokenDigest(): TokenDigest {
  const hash = oneShotHash();
  return hash ? (text) => hash('sha256', text, 'base64url') : sha256;
}

function oneShotHash(): OneShotHash | undefined {
  const { process } = globalThis as { process?: { getBuiltinModule?(id: string): unknown } };
  const module = process?.getBuiltinModule?.('node:crypto') as { hash?: OneShotHash } | undefined;
  return typeof module?.hash === 'function' ? module.hash : undefined;
}
