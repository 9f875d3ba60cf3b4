import type { Digests } from '../../app/ports.ts';
import type { RateLimiter } from '../../app/ports/rate-limits.ts';
import type { RatePolicy, RateVerdict } from '../../domain/rate-limit.ts';
import { networkOf } from '../../domain/source-network.ts';

/** Slows down the guessing of passwords. */
export interface SignInThrottle {
  /** Counts an attempt; the seconds to wait when there have been too many, else undefined. */
  attempt(attempt: Attempt): Promise<number | undefined>;
  /** The attempt was right: it is forgotten, and so are the failures for that address. */
  succeeded(attempt: Attempt): Promise<void>;
  /** Nobody can tell whether the attempt was right: it is forgotten. */
  undecided(attempt: Attempt): Promise<void>;
}

export interface Attempt {
  readonly email: string;
  readonly sourceIp: string;
  /** Of a browser in which somebody has signed in with that address (known-browser.ts): counted by itself. */
  readonly knownBrowser?: string | undefined;
}

export interface SignInLimits {
  /** Attempts for one e-mail address, known or not; and of each browser in which it was signed in with. */
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
  const browsers: RatePolicy = { ...emails, name: 'sign-in-browser' };
  return {
    async attempt({ email, sourceIp, knownBrowser }) {
      if (knownBrowser !== undefined)
        return waitOf(await limiter.take(browsers, digests.sha256(knownBrowser)));
      // The source first: a flood of made-up addresses from one place leaves no trace of them.
      const wait = waitOf(await limiter.take(sources, networkOf(sourceIp)));
      return wait ?? waitOf(await limiter.take(emails, digests.sha256(email)));
    },
    async succeeded({ email, sourceIp, knownBrowser }) {
      if (knownBrowser !== undefined) return limiter.forget(browsers, digests.sha256(knownBrowser));
      await limiter.giveBack(sources, networkOf(sourceIp));
      await limiter.forget(emails, digests.sha256(email));
    },
    async undecided({ email, sourceIp, knownBrowser }) {
      if (knownBrowser !== undefined) return limiter.giveBack(browsers, digests.sha256(knownBrowser));
      await limiter.giveBack(sources, networkOf(sourceIp));
      await limiter.giveBack(emails, digests.sha256(email));
    },
  };
}

function waitOf({ allowed, resetSeconds }: RateVerdict): number | undefined {
  return allowed ? undefined : resetSeconds;
}

/** For benchmarks and tests. */
export const noSignInThrottle: SignInThrottle = {
  attempt: async () => undefined,
  succeeded: async () => undefined,
  undecided: async () => undefined,
};
