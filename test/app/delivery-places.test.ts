import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createDeliveryPlaces, type Place } from '../../src/app/webhooks/delivery-places.ts';

const one = (party: string, host = `${party}.example.com`) => ({ party, host });
const many = (count: number, party: string) =>
  Array.from({ length: count }, (_, i) => one(party, `${party}-${i}.example.com`));
const parties = (picked: readonly { party: string }[]) => picked.map(({ party }) => party);

function places(over: Partial<{ perHost: number; quick: number; slow: number }> = {}) {
  const clock = { at: 0 };
  const limits = { perHost: 2, quick: 8, slow: 4, ...over };
  return { clock, limits, ...createDeliveryPlaces(limits, () => clock.at) };
}

/** Picks and takes. */
function begin({ pick, take }: ReturnType<typeof places>, waiting: ReturnType<typeof many>): Place[] {
  return pick(waiting).map(take);
}

describe('places for deliveries', () => {
  test('no host gets more than its share', () => {
    const all = places();
    const held = begin(all, [one('a', 'h'), one('b', 'h'), one('c', 'h')]);
    expect(held).toHaveLength(2);
    expect(all.spared().hosts).toEqual(['h']);
    expect(all.pick([one('d', 'h')])).toEqual([]);
    held[0]?.giveBack();
    expect(all.spared().hosts).toEqual([]);
    expect(all.pick([one('d', 'h')])).toHaveLength(1);
  });

  test('a party alone gets half, so that the next one finds room', () => {
    const all = places();
    expect(begin(all, many(20, 'a'))).toHaveLength(4);
    expect(all.spared().parties).toEqual(['a']);
    expect(parties(all.pick([...many(20, 'a'), ...many(20, 'b')]))).toEqual(['b', 'b', 'b', 'b']);
  });

  test('the more parties wait, the fewer each gets, one after the other', () => {
    const all = places();
    const waiting = ['a', 'b', 'c', 'd'].flatMap((party) => many(5, party));
    expect(parties(all.pick(waiting))).toEqual(['a', 'b', 'c', 'd', 'a', 'b', 'c', 'd']);
  });

  test('those come first that were served longest ago', () => {
    const all = places({ quick: 2 });
    const waiting = ['a', 'b', 'c'].flatMap((party) => many(2, party));
    const rounds = [1, 2, 3].map(() => {
      const picked = all.pick(waiting);
      for (const place of picked.map(all.take)) place.giveBack();
      return parties(picked);
    });
    expect(rounds).toEqual([
      ['a', 'b'],
      ['c', 'a'],
      ['b', 'c'],
    ]);
  });

  test('what takes long makes room for others, and its party waits for a slow place from then on', () => {
    const all = places();
    const held = ['a', 'b'].flatMap((party) => begin(all, many(4, party)));
    expect(held).toHaveLength(8);
    expect(all.pick([one('c')])).toEqual([]);
    for (const place of held.slice(0, 4)) place.linger();
    expect(parties(all.pick([...many(4, 'c'), ...many(4, 'a')]))).toEqual(['c', 'c', 'c', 'c']);
    expect(all.spared().parties).toContain('a');
    for (const place of held.slice(0, 4)) place.giveBack();
    expect(parties(all.pick(many(4, 'a')))).toEqual(['a', 'a']);
    all.clock.at = 600_001;
    for (const place of held.slice(4)) place.giveBack();
    expect(parties(all.pick(many(4, 'a')))).toHaveLength(4);
  });

  test('what takes long stays where it is while the slow places are taken, and moves as soon as one is free', () => {
    const all = places({ quick: 4, slow: 1 });
    const [first, second] = [...begin(all, [one('a')]), ...begin(all, [one('b')])] as [Place, Place];
    first.linger();
    second.linger();
    const waiting = ['c', 'd', 'e', 'f'].map((party) => one(party));
    expect(all.pick(waiting)).toHaveLength(3);
    first.giveBack();
    expect(all.pick(waiting)).toHaveLength(4);
    second.giveBack();
    expect(all.full()).toBe(false);
  });

  test('never more are on their way than there are places, whatever happens in which order', () => {
    const step = fc.record({
      does: fc.constantFrom('begin', 'linger', 'give back', 'wait'),
      nth: fc.nat(30),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const all = places({ perHost: 3 });
        const held: Place[] = [];
        for (const { does, nth } of steps) {
          const place = held[nth % Math.max(1, held.length)];
          if (does === 'begin') held.push(...begin(all, many((nth % 6) + 1, `party-${nth % 7}`)));
          else if (does === 'wait') all.clock.at += 100_000;
          else if (place && does === 'linger') place.linger();
          else if (place) {
            held.splice(held.indexOf(place), 1);
            place.giveBack();
          }
          expect(held.length).toBeLessThanOrEqual(12);
        }
        for (const place of held) place.giveBack();
        all.clock.at += 600_001;
        expect(['a', 'b', 'c', 'd'].flatMap((party) => begin(all, many(8, party)))).toHaveLength(8);
      }),
    );
  });
});
