/** How much may be sent at once, to each host and in all. */
export interface SlotLimits {
  readonly perHost: number;
  readonly most: number;
}

/** Counts what is on its way, so that no receiver is overrun and none keeps the others waiting. */
export function hostSlots({ perHost, most }: SlotLimits) {
  const used = new Map<string, number>();
  let total = 0;
  const usedBy = (host: string) => used.get(host) ?? 0;
  return {
    left: () => most - total,
    /** Hosts that take no more. */
    full: () => [...used].filter(([, count]) => count >= perHost).map(([host]) => host),
    /** As many as fit, in the order given. */
    fitting<T extends { readonly host: string }>(wanted: readonly T[]): readonly T[] {
      const planned = new Map<string, number>();
      const picked: T[] = [];
      for (const one of wanted) {
        const count = planned.get(one.host) ?? 0;
        if (usedBy(one.host) + count >= perHost || total + picked.length >= most) continue;
        planned.set(one.host, count + 1);
        picked.push(one);
      }
      return picked;
    },
    take(host: string) {
      used.set(host, usedBy(host) + 1);
      total += 1;
    },
    giveBack(host: string) {
      const left = usedBy(host) - 1;
      if (left > 0) used.set(host, left);
      else used.delete(host);
      total -= 1;
    },
  };
}
