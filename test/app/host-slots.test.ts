import { expect, test } from '@jest/globals';
import { hostSlots } from '../../src/app/webhooks/host-slots.ts';

const at = (...hosts: string[]) => hosts.map((host) => ({ host }));

test('no host gets more than its share, and all together no more than there is', () => {
  const slots = hostSlots({ perHost: 2, most: 5 });
  expect(slots.fitting(at('a', 'a', 'a', 'b', 'c', 'c', 'd')).map(({ host }) => host)).toEqual([
    'a',
    'a',
    'b',
    'c',
    'c',
  ]);
  slots.take('a');
  slots.take('a');
  slots.take('b');
  expect(slots.full()).toEqual(['a']);
  expect(slots.left()).toBe(2);
  expect(slots.fitting(at('a', 'b', 'b', 'c')).map(({ host }) => host)).toEqual(['b', 'c']);
  slots.giveBack('a');
  expect(slots.full()).toEqual([]);
  expect(slots.fitting(at('a', 'a')).map(({ host }) => host)).toEqual(['a']);
  slots.giveBack('a');
  slots.giveBack('b');
  expect(slots.left()).toBe(5);
});
