/**
 * Where proofs that were used are kept. In memory by default; with several processes behind one address, bring one that
 * they share, or a proof may be used once at each of them.
 */
export interface Replays {
  /**
   * Stores a key that was not there; atomic. Answers false for one that is there already.
   * @param expiresAt milliseconds since the epoch, after which the key may be forgotten.
   */
  spend(key: string, expiresAt: number): boolean | Promise<boolean>;
}

/**
 * Keeps the keys in this process. When `most` keys are in use, further ones are refused until some expire: forgetting
 * one that is still good would let it be used twice.
 */
export function replaysInMemory({
  most = 200_000,
  now = Date.now,
}: {
  most?: number;
  now?: () => number;
} = {}): Replays {
  const spent = new Map<string, number>();
  const sweep = () => {
    const moment = now();
    for (const [key, expiresAt] of spent) if (expiresAt <= moment) spent.delete(key);
  };
  let sweptAt = 0;
  return {
    spend(key, expiresAt) {
      const moment = now();
      // Once a second at most, so that a full store costs no more than that.
      if (moment - sweptAt >= 1000 || moment < sweptAt) {
        sweep();
        sweptAt = moment;
      }
      const known = spent.get(key);
      if ((known !== undefined && known > moment) || spent.size >= most) return false;
      spent.set(key, expiresAt);
      return true;
    },
  };
}
