import fc from 'fast-check';
import { expect } from '@jest/globals';
import { DomainError, type DomainErrorCode } from '../../src/domain/errors.ts';
import type { Scope } from '../../src/domain/scope.ts';

/** Few different components, so that rights often meet; the wildcard stands at any place. */
const component = fc.constantFrom('reports', 'mail', 'read', 'write', '*', 'a*', '');

/** `reports`, `reports:read`, `*:mail:*` … */
export const right: fc.Arbitrary<string> = fc
  .array(component, { minLength: 1, maxLength: 3 })
  .map((parts) => parts.join(':'))
  .filter((text) => text !== '');

export const scope: fc.Arbitrary<Scope> = fc.uniqueArray(right, { maxLength: 5 });

/** What a right without wildcards would have to be called for `held` to permit it: said once more, by other means. */
export function permits(held: string, asked: string): boolean {
  if (held === asked) return true;
  const pattern = held
    .split(':')
    .map((part) => (part === '*' ? '[^:]+' : part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')))
    .join(':');
  return new RegExp(`^${pattern}$`).test(asked);
}

/** The code of the DomainError that `run` throws. */
export function refusalOf(run: () => unknown): DomainErrorCode | undefined {
  return refusal(run)?.code;
}

/** The DomainError that `run` throws; any other error fails the test. */
export function refusal(run: () => unknown): DomainError | undefined {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(DomainError);
    return error as DomainError;
  }
  return undefined;
}
