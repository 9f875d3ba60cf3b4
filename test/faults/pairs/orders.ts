/** Who is asked when; `within`: the others between what the first one reads and what it writes, `nested`: each there. */
export interface Order {
  readonly how: 'in turn' | 'together' | 'within' | 'nested';
  readonly places: readonly number[];
}

/** At the same moment, or within one another: of two, each within the other; of three, the second within the first. */
export function concurrentOrders(count: number): readonly Order[] {
  const places = Array.from({ length: count }, (_, place) => place);
  return [
    { how: 'together', places },
    { how: 'within', places },
    count === 2 ? { how: 'within', places: places.toReversed() } : { how: 'nested', places },
  ];
}

/** One after another, in every order of all that are needed and any of those that are not. */
export function ordersInTurn(needed: readonly number[], others: readonly number[]): readonly Order[] {
  const orders = (left: readonly number[]): number[][] => [
    [],
    ...left.flatMap((place) =>
      orders(left.filter((other) => other !== place)).map((rest) => [place, ...rest]),
    ),
  ];
  return orders([...needed, ...others])
    .filter((places) => needed.every((place) => places.includes(place)))
    .toSorted((a, b) => b.length - a.length)
    .map((places) => ({ how: 'in turn', places }));
}
