import { describe, expect, test } from '@jest/globals';
import { taskState } from '../../src/domain/task.ts';
import { T0 } from '../support/fixtures.ts';

describe('the state of a task', () => {
  test('is active up to the last millisecond, and expired at the moment that it names', () => {
    expect(taskState({ state: 'active', expiresAt: T0 }, T0 - 1)).toBe('active');
    expect(taskState({ state: 'active', expiresAt: T0 }, T0)).toBe('expired');
    expect(taskState({ state: 'active', expiresAt: T0 }, T0 + 1)).toBe('expired');
  });

  test.each(['completed', 'failed', 'revoked'] as const)(
    'once %s it stays so, whatever the time',
    (state) => {
      expect(taskState({ state, expiresAt: T0 }, T0 - 1)).toBe(state);
      expect(taskState({ state, expiresAt: T0 }, T0 + 1)).toBe(state);
    },
  );
});
