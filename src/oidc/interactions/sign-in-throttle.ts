import { RateLimiterMemory, type RateLimiterRes } from 'rate-limiter-flexible';

/** Slows down the guessing of passwords. Another store makes it one throttle for many nodes. */
export interface SignInThrottle {
  /** Counts an attempt; the seconds to wait when there have been too many, else undefined. */
  attempt(email: string, sourceIp: string): Promise<number | undefined>;
  /** The attempt was right: it is forgotten, and so are the failures for that address. */
  succeeded(email: string, sourceIp: string): Promise<void>;
}

export interface SignInLimits {
  /** Attempts for one e-mail address, known or not. */
  readonly perEmail: number;
  /** Attempts from one IPv4 address or IPv6 /64 network. */
  readonly perSource: number;
  readonly windowSeconds: number;
}

const LIMITS: SignInLimits = { perEmail: 10, perSource: 60, windowSeconds: 900 };

/** Counts in the memory of this process. */
export function createSignInThrottle(limits: SignInLimits = LIMITS): SignInThrottle {
  const duration = limits.windowSeconds;
  const emails = new RateLimiterMemory({ points: limits.perEmail, duration, keyPrefix: 'email' });
  const sources = new RateLimiterMemory({ points: limits.perSource, duration, keyPrefix: 'source' });
  return {
    async attempt(email, sourceIp) {
      // The source first: a flood of made-up addresses from one place leaves no trace of them in memory.
      return (await consume(sources, networkOf(sourceIp))) ?? consume(emails, email);
    },
    async succeeded(email, sourceIp) {
      await sources.reward(networkOf(sourceIp));
      await emails.delete(email);
    },
  };
}

/** For benchmarks and tests. */
export const noSignInThrottle: SignInThrottle = {
  attempt: async () => undefined,
  succeeded: async () => undefined,
};

async function consume(limiter: RateLimiterMemory, key: string): Promise<number | undefined> {
  try {
    await limiter.consume(key);
    return undefined;
  } catch (refusal) {
    if (refusal instanceof Error) throw refusal;
    return Math.max(1, Math.ceil((refusal as RateLimiterRes).msBeforeNext / 1000));
  }
}

/** Whoever has an IPv6 address has the whole /64 around it (RFC 4291 §2.5.4, RFC 6177). */
function networkOf(address: string): string {
  if (!address.includes(':')) return address;
  const [head = [], tail = []] = address.split('::').map((part) => part.split(':').filter(Boolean));
  const zeros = Array.from({ length: Math.max(0, 8 - head.length - tail.length) }, () => '0');
  return [...head, ...zeros, ...tail].slice(0, 4).join(':');
}
