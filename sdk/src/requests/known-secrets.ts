import { readSecrets, type SecretSource, type SharedSecret } from './shared-secret.ts';
import { InterAgentAuthError } from './inter-agent-error.ts';

/** The shared secrets as they were read last, read again when that is too long ago. */
export interface KnownSecrets {
  /** To sign with. @throws InterAgentAuthError */
  current(): Promise<SharedSecret>;
  /** By its name; asks the source again for one that is not known, but not for every such token. */
  named(kid: string): Promise<SharedSecret | undefined>;
}

const COOL_DOWN_MS = 10_000;
const FAILURE_COOL_DOWN_MS = 1_000;
const TIMEOUT_MS = 10_000;

export function createKnownSecrets(source: SecretSource, now: () => number): KnownSecrets {
  let known: readonly SharedSecret[] = [];
  let readAt = -Infinity;
  let failure: { readonly at: number; readonly error: InterAgentAuthError } | undefined;
  let flight: Promise<readonly SharedSecret[]> | undefined;

  /** Not in what seems to come later: the clock was set back, and a withdrawn secret would live on until then. */
  const isWithin = (milliseconds: number, since: number) => {
    const age = now() - since;
    return age >= 0 && age < milliseconds;
  };
  const read = async (): Promise<readonly SharedSecret[]> => {
    // A source that fails is not asked for every token that comes.
    if (!flight && failure && isWithin(Math.min(source.maxAge, FAILURE_COOL_DOWN_MS), failure.at))
      throw failure.error;
    flight ??= inTime(readSecrets(source))
      .catch((cause: unknown) => {
        const error =
          cause instanceof InterAgentAuthError ? cause : new InterAgentAuthError('unavailable', cause);
        failure = { at: now(), error };
        throw error;
      })
      .then((found) => {
        readAt = now();
        return (known = found);
      })
      .finally(() => (flight = undefined));
    return flight;
  };
  const fresh = () => (isWithin(source.maxAge, readAt) ? Promise.resolve(known) : read());

  return {
    async current() {
      const [first] = await fresh();
      if (!first) throw new InterAgentAuthError('not_set');
      return first;
    },
    async named(kid) {
      const among = (list: readonly SharedSecret[]) => list.find((secret) => secret.kid === kid);
      const found = among(await fresh());
      if (found || isWithin(COOL_DOWN_MS, readAt)) return found;
      return among(await read());
    },
  };
}

async function inTime<T>(work: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error('the source of the secret does not answer')), TIMEOUT_MS);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}
