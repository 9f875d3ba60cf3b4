import { UnavailableError } from '../../domain/unavailable.ts';

/** Followers that one process serves at the same time. */
export interface FollowerLimits {
  readonly followers: number;
  readonly followersPerClient: number;
}

/** Counts who follows, so that nobody shuts out the others. */
export class FollowerPlaces {
  readonly #limits: FollowerLimits;
  readonly #taken = new Map<string, number>();
  #count = 0;

  constructor(limits: FollowerLimits) {
    this.#limits = limits;
  }

  get count(): number {
    return this.#count;
  }

  /** @throws UnavailableError `overloaded` when there is no place left, for anybody or for this client. */
  take(clientId: string): void {
    const own = this.#taken.get(clientId) ?? 0;
    if (this.#count >= this.#limits.followers || own >= this.#limits.followersPerClient) {
      throw new UnavailableError('overloaded', 'too many follow the ledger');
    }
    this.#taken.set(clientId, own + 1);
    this.#count += 1;
  }

  free(clientId: string): void {
    const others = (this.#taken.get(clientId) ?? 1) - 1;
    if (others > 0) this.#taken.set(clientId, others);
    else this.#taken.delete(clientId);
    this.#count -= 1;
  }
}
