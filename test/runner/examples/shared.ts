import { expect } from '@jest/globals';

export const seen: string[] = [];

export const later = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export function expectNothingElse(others: string[]): void {
  expect.assertions(2);
  expect(others).toEqual(['the end of the first']);
}
