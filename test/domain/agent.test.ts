import { describe, expect, test } from '@jest/globals';
import { type AgentState, checkTransition, requireActive } from '../../src/domain/agent.ts';
import { anAgent, T0 } from '../support/fixtures.ts';
import { refusal, refusalOf } from './rights.ts';

const STATES: readonly AgentState[] = ['pending', 'active', 'suspended', 'revoked'];
const ALLOWED = [
  'pending → active',
  'pending → revoked',
  'active → suspended',
  'active → revoked',
  'suspended → active',
  'suspended → revoked',
];

describe('the life of an agent', () => {
  const moves = STATES.flatMap((from) => STATES.map((to) => ({ from, to, name: `${from} → ${to}` })));

  test.each(moves)('$name', ({ from, to, name }) => {
    const expected = ALLOWED.includes(name) ? undefined : 'conflict';
    expect(refusalOf(() => checkTransition(from, to))).toBe(expected);
  });

  test('ends with its revocation: there is no way back', () => {
    for (const to of STATES) expect(refusalOf(() => checkTransition('revoked', to))).toBe('conflict');
  });
});

/** R11. */
describe('an agent that wants to act', () => {
  test('may while it is active', () => {
    expect(refusalOf(() => requireActive(anAgent()))).toBeUndefined();
  });

  test.each(['pending', 'suspended', 'revoked'] as const)(
    'may not while it is %s, and is told so',
    (state) => {
      const refused = refusal(() => requireActive(anAgent({ state })));
      expect(refused?.code).toBe('agent_not_active');
      expect(refused?.message).toBe(`the agent is ${state}`);
      expect(refused?.details).toEqual({ state });
    },
  );

  test('may not once it is deleted, whatever its state says', () => {
    expect(refusalOf(() => requireActive(anAgent({ deletedAt: T0 })))).toBe('agent_not_active');
  });
});
