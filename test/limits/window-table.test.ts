import { describe, expect, test } from '@jest/globals';
import { createWindowTable } from '../../src/limits/window-table.ts';
import { networkOf } from '../../src/domain/source-network.ts';

describe('a table of windows', () => {
  test('holds a window until it ends', () => {
    const table = createWindowTable();
    const window = { beganAt: 0, endsAt: 100 };
    table.set('p', 'k', window, 0);
    expect(table.get('p', 'k', 99)).toBe(window);
    expect(table.get('p', 'k', 100)).toBeUndefined();
    expect(table.get('q', 'k', 0)).toBeUndefined();
    table.delete('p', 'k');
    expect(table.get('p', 'k', 99)).toBeUndefined();
  });

  test('holds no window that begins later, as after a clock was set back', () => {
    const table = createWindowTable();
    table.set('p', 'k', { beganAt: 1_000, endsAt: 1_100 }, 1_000);
    expect(table.get('p', 'k', 999)).toBeUndefined();
  });

  test('drops what has ended first, then the oldest of the same policy', () => {
    const table = createWindowTable(3);
    table.set('other', 'k', { beganAt: 0, endsAt: 10_000 }, 0);
    table.set('p', 'long', { beganAt: 0, endsAt: 10_000 }, 0);
    table.set('p', 'short', { beganAt: 0, endsAt: 50 }, 1);
    table.set('p', 'longer', { beganAt: 0, endsAt: 10_000 }, 2);
    table.set('p', 'newer', { beganAt: 0, endsAt: 10_000 }, 60);
    const kept = () =>
      ['long', 'short', 'longer', 'newer', 'newest'].filter((key) => table.get('p', key, 70));
    expect(kept()).toEqual(['long', 'longer', 'newer']);
    table.set('p', 'newest', { beganAt: 0, endsAt: 10_000 }, 61);
    expect(kept()).toEqual(['longer', 'newer', 'newest']);
    expect(table.get('other', 'k', 70)).toBeDefined();
  });

  test('counts a window that is set again as new, and once', () => {
    const table = createWindowTable(2);
    table.set('p', 'a', { beganAt: 0, endsAt: 100 }, 0);
    table.set('p', 'b', { beganAt: 0, endsAt: 100 }, 0);
    table.set('p', 'a', { beganAt: 0, endsAt: 200 }, 0);
    table.set('p', 'c', { beganAt: 0, endsAt: 100 }, 0);
    expect(['a', 'b', 'c'].filter((key) => table.get('p', key, 0))).toEqual(['a', 'c']);
  });
});

describe('the network of an address', () => {
  test.each([
    ['192.0.2.7', '192.0.2.7'],
    ['2001:db8::1', '2001:db8:0:0'],
    ['2001:DB8:0:0:ffff::1', '2001:db8:0:0'],
    ['2001:0db8:0000:00a0::1', '2001:db8:0:a0'],
    ['::1', '0:0:0:0'],
    ['', ''],
  ])('%s is in %s', (address, network) => {
    expect(networkOf(address)).toBe(network);
  });
});
