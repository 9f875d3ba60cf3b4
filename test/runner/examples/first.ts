import { afterAll, beforeEach, expect, jest, test } from '@jest/globals';
import { later, seen } from './shared.ts';

beforeEach(() => {
  seen.push('a hook of the first');
});
afterAll(() => {
  seen.push('the end of the first');
});

test('fails', () => expect(1).toBe(2));
test('hangs', () => new Promise(() => undefined), 50);
test('rejects beside itself', async () => {
  void Promise.reject(new Error('beside it'));
  await later(20);
});
test('throws beside itself', async () => {
  setTimeout(() => {
    throw new Error('beside it');
  }, 1);
  await later(20);
});
test('expects more', () => {
  expect.assertions(2);
  expect(1).toBe(1);
});
test('spies', () => {
  jest.spyOn(Math, 'random').mockReturnValue(2);
  expect(Math.random()).toBe(2);
});
test('spies no longer', () => expect(Math.random()).toBeLessThan(1));
test.each([1, 2])('passes with %d', (given) => expect({ given }).toEqual({ given: expect.any(Number) }));
