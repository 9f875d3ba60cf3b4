import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { decisionInput, readDecision } from '../../../src/domain/policy/decision-point.ts';
import { T0 } from '../../support/fixtures.ts';
import { request } from './policies.ts';

const POLICY = { name: 'opa', reason: 'as the operator decides' };
const [ASKED] = fc.sample(request, { numRuns: 1, seed: 7 }).map((one) => ({
  ...one,
  depth: 1,
  openedAt: T0,
  now: T0,
}));
if (!ASKED) throw new Error('no request');
const read = (answer: unknown) => readDecision(POLICY, answer, ASKED);

describe('the answer of a decision point', () => {
  test.each([
    [{ result: true }, { effect: 'allow', reason: POLICY.reason }],
    [{ result: { allow: true } }, { effect: 'allow', reason: POLICY.reason }],
    [
      { result: { allow: true, reason: 'on call', more: [1] }, decision_id: 'x' },
      { effect: 'allow', reason: 'on call' },
    ],
    [{ result: false }, { effect: 'deny', reason: POLICY.reason }],
    [{}, { effect: 'deny' }],
    [{ result: {} }, { effect: 'deny' }],
    [{ result: { allow: false, reason: 'not today' } }, { effect: 'deny', reason: 'not today' }],
    [{ result: { allow: true, obligations: {} } }, { effect: 'allow' }],
    [{ result: { allow: true, obligations: { max_depth: 2 } } }, { effect: 'bound', maxDepth: 2 }],
    [{ result: { allow: true, obligations: { max_lifetime: 60 } } }, { effect: 'bound', seconds: 60 }],
    [{ result: { allow: true, obligations: { max_depth: 0 } } }, { effect: 'deny' }],
  ])('%j is understood', (answer, verdict) => {
    expect(read(answer)).toMatchObject({ name: 'opa', ...verdict });
  });

  test.each([
    [null],
    [[]],
    ['true'],
    [{ result: null }],
    [{ result: 'true' }],
    [{ result: 1 }],
    [{ result: [true] }],
    [{ result: { allow: 'true' } }],
    [{ result: { allow: 1 } }],
    [{ result: { allow: null } }],
    [{ result: { allow: true, reason: 5 } }],
    [{ result: { allow: true, reason: 'two\nlines' } }],
    [{ result: { allow: false, reason: 'x'.repeat(301) } }],
    [{ result: { allow: true, obligations: null } }],
    [{ result: { allow: true, obligations: [] } }],
    [{ result: { allow: true, obligations: { max_depth: -1 } } }],
    [{ result: { allow: true, obligations: { max_depth: 1.5 } } }],
    [{ result: { allow: true, obligations: { max_lifetime: 0 } } }],
    [{ result: { allow: true, obligations: { max_lifetime: '60' } } }],
    [{ result: { allow: true, obligations: { mfa: true } } }],
  ])('%j is not understood', (answer) => {
    expect(read(answer)).toBeUndefined();
  });

  test('permits only what says so, whatever else it may be', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (result, obligations) => {
        for (const answer of [{ result }, { result: { allow: result, obligations } }, result]) {
          const verdict = read(answer);
          if (verdict === undefined || verdict.effect === 'deny') continue;
          expect(result).toBe(true);
        }
      }),
      { numRuns: 2000 },
    );
  });
});

test('the question says who would get what, where and when', () => {
  fc.assert(
    fc.property(request, (asked) => {
      const input = decisionInput(asked);
      expect(input).toMatchObject({
        step: asked.step,
        client: { id: asked.clientId, tier: asked.tier, roles: asked.roles },
        subject: { kind: asked.subjectKind, id: asked.subject },
        ...asked.authority,
        delegation: asked.pair,
        task: { depth: asked.depth },
        time: new Date(T0).toISOString(),
      });
      expect(JSON.parse(JSON.stringify(input))).toEqual(input);
    }),
  );
});
