import type { Digests } from '../../app/ports.ts';
import type { RateLimiter } from '../../app/ports/rate-limits.ts';
import type { RatePolicy } from '../../domain/rate-limit.ts';
import { networkOf } from '../../domain/source-network.ts';

/** Slows down the guessing of passwords. */
export interface SignInThrottle {
  /** Counts an attempt; the seconds to wait when there have been too many, else undefined. */
  attempt(email: string, sourceIp: string): Promise<number | undefined>;
  /** The attempt was right: it is forgotten, and so are the failures for that address. */
  succeeded(email: string, sourceIp: string): Promise<void>;
  /** Nobody can tell whether the attempt was right: it is forgotten. */
  undecided(email: string, sourceIp: string): Promise<void>;
}

export interface SignInLimits {
  /** Attempts for one e-mail address, known or not. */
  readonly perEmail: number;
  /** Attempts from one IPv4 address or IPv6 /64 network. */
  readonly perSource: number;
  readonly windowSeconds: number;
}

/** E-mail addresses are counted by their digests: what people mistype is nobody's business. */
export function createSignInThrottle(
  { limiter, digests }: { readonly limiter: RateLimiter; readonly digests: Pick<Digests, 'sha256'> },
  { perEmail, perSource, windowSeconds }: SignInLimits,
): SignInThrottle {
  const emails: RatePolicy = { name: 'sign-in-email', limit: perEmail, windowSeconds, forgiving: true };
  const sources: RatePolicy = { name: 'sign-in-source', limit: perSource, windowSeconds, forgiving: true };
  return {
    async attempt(email, sourceIp) {
      // The source first: a flood of made-up addresses from one place leaves no trace of them.
      const source = await limiter.take(sources, networkOf(sourceIp));
      if (!source.allowed) return source.resetSeconds;
      const address = await limiter.take(emails, digests.sha256(email));
      return address.allowed ? undefined : address.resetSeconds;
    },
    async succeeded(email, sourceIp) {
      await limiter.giveBack(sources, networkOf(sourceIp));
      await limiter.forget(emails, digests.sha256(email));
    },
    async undecided(email, sourceIp) {
      await limiter.giveBack(sources, networkOf(sourceIp));
      await limiter.giveBack(emails, digests.sha256(email));
    },
  };
}

/** For benchmarks and tests. */
export const noSignInThrottle: SignInThrottle = {
  attempt: async () => undefined,
  succeeded: async () => undefined,
  undecided: async () => undefined,
};
