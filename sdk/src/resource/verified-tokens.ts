import type { VerifiedToken } from './access-token.ts';

/** Tokens whose signature was checked, by digest: what a second check need not do again. */
export interface VerifiedTokens {
  get(digest: string): VerifiedToken | undefined;
  remember(digest: string, token: VerifiedToken): void;
}

/** Holds at most `most`; the oldest goes first. What has expired is refused by whoever reads it. */
export function createVerifiedTokens(most: number): VerifiedTokens {
  const tokens = new Map<string, VerifiedToken>();
  return {
    get: (digest) => tokens.get(digest),
    remember(digest, token) {
      tokens.delete(digest);
      tokens.set(digest, token);
      if (tokens.size <= most) return;
      const [oldest] = tokens.keys();
      if (oldest !== undefined) tokens.delete(oldest);
    },
  };
}
