import type { Clock } from '../shared/clock.ts';
import { jwtPayload } from '../shared/encoding.ts';
import { TaskgrantError } from '../shared/errors.ts';
import type { TokenAnswer } from './token-answer.ts';

/** An access token in memory. */
export interface HeldToken {
  readonly value: string;
  readonly type: 'Bearer' | 'DPoP';
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
  /** From when on it is replaced before it is used. */
  readonly renewAt: number;
  /** `aud`; undefined when the token does not tell. */
  readonly audience: string | undefined;
  readonly answer: TokenAnswer;
}

/** Asks for another token of the same task; for one of its audiences when one is named. */
export type Renew = (audience: string | undefined) => Promise<TokenAnswer>;

/** Tokens are replaced this long before they expire, or in the last fifth of a shorter life. Milliseconds. */
const MARGIN = 30_000;
/** The key of the token that holds everything the task holds; the others are narrowed to one audience. */
const MAIN = '';

/**
 * The access tokens of one task: one that holds all its audiences, and one for each further audience that a request
 * went to. Renewed before they expire, by one request however many callers wait.
 */
export class HeldTokens {
  readonly #clock: Pick<Clock, 'now'>;
  readonly #renew: Renew;
  readonly #held = new Map<string, HeldToken>();
  readonly #flights = new Map<string, Promise<HeldToken>>();
  #cleared = false;
  /** Milliseconds since the epoch, by the clock of this client; no token outlives it. */
  readonly taskExpiresAt: number;

  constructor(first: TokenAnswer, renew: Renew, clock: Pick<Clock, 'now'>) {
    this.#clock = clock;
    this.#renew = renew;
    const { task, expires_in: left, task_expires_in: taskLeft = left } = first;
    const tokenEnds = clock.now() + left * 1000;
    // The server tells both ends by its own clock, and how far the token's is: clocks may differ by more than a task lives.
    const byServer = Number(jwtPayload(first.access_token)?.['exp'] ?? tokenEnds / 1000);
    this.taskExpiresAt = tokenEnds + (task ? task.expires_at - byServer : taskLeft - left) * 1000;
    this.#held.set(MAIN, this.#hold(first));
  }

  /** The last token that holds everything, fresh or not. */
  get main(): HeldToken {
    return this.#held.get(MAIN) as HeldToken;
  }

  /**
   * A token that is good for a while.
   * @param spent a token that was refused: anything but this one is answered.
   * @throws TaskgrantError when it cannot be renewed and has expired, or was refused.
   */
  async get(audience?: string, spent?: string): Promise<HeldToken> {
    const key = audience === undefined || audience === this.main.audience ? MAIN : audience;
    const held = this.#held.get(key);
    if (held && held.value !== spent && this.#clock.now() < held.renewAt) return held;
    try {
      return await this.#renewed(key);
    } catch (error) {
      const usable = held && held.value !== spent && this.#clock.now() < held.expiresAt;
      if (usable && error instanceof TaskgrantError && error.retryable) return held;
      throw error;
    }
  }

  /** Forgets every token: nothing can be sent any more. What was granted can still be read. */
  clear(): void {
    const { refresh_token: _refresh, ...answer } = this.main.answer;
    const gone = { ...this.main, value: '', answer: { ...answer, access_token: '' } };
    this.#held.clear();
    this.#held.set(MAIN, gone);
    this.#cleared = true;
  }

  #renewed(key: string): Promise<HeldToken> {
    const flight = this.#flights.get(key) ?? this.#fly(key);
    this.#flights.set(key, flight);
    return flight;
  }

  async #fly(key: string): Promise<HeldToken> {
    try {
      const held = this.#hold(await this.#renew(key === MAIN ? undefined : key));
      if (!this.#cleared) this.#held.set(key, held);
      return held;
    } finally {
      this.#flights.delete(key);
    }
  }

  #hold(answer: TokenAnswer): HeldToken {
    const { access_token: value, token_type: type, expires_in: seconds, task } = answer;
    if (typeof value !== 'string' || !(seconds > 0)) {
      throw new TaskgrantError('answer_invalid', 'the answer holds no token that works');
    }
    const expiresAt = this.#clock.now() + seconds * 1000;
    const margin = Math.min(MARGIN, seconds * 200);
    // A token that ends with its task cannot be replaced by one that lives longer.
    const isLast = expiresAt > this.taskExpiresAt - 2000;
    const aud = jwtPayload(value)?.['aud'];
    return {
      value,
      type: type.toLowerCase() === 'dpop' ? 'DPoP' : 'Bearer',
      expiresAt,
      renewAt: isLast ? expiresAt : expiresAt - margin,
      audience: typeof aud === 'string' ? aud : task?.audiences[0],
      answer,
    };
  }
}
