import { describe, expect, test } from '@jest/globals';
import { requireSameKey, requireSameProcess, requireVerifier } from '../../src/domain/verifier.ts';
import { refusalOf } from './rights.ts';

const unbound = { codeChallenge: null, keyThumbprint: null };
const challenged = { codeChallenge: 'S256-of-the-verifier', keyThumbprint: null };
const keyed = { codeChallenge: null, keyThumbprint: 'key-1' };
const both = { codeChallenge: 'S256-of-the-verifier', keyThumbprint: 'key-1' };

/** R7: whoever extends a task proves that it is the process that started it. */
describe('extending a task', () => {
  const right = { answer: 'S256-of-the-verifier' };
  const wrong = { answer: 'S256-of-another-verifier' };
  const key = { keyThumbprint: 'key-1' };
  const otherKey = { keyThumbprint: 'key-2' };

  test.each([
    ['nothing', unbound, {}, undefined],
    ['nothing', unbound, wrong, undefined],
    ['nothing', unbound, otherKey, undefined],
    ['a challenge', challenged, right, undefined],
    ['a challenge', challenged, wrong, 'verifier_mismatch'],
    ['a challenge', challenged, {}, 'verifier_mismatch'],
    ['a challenge', challenged, { answer: '' }, 'verifier_mismatch'],
    ['a challenge', challenged, otherKey, 'verifier_mismatch'],
    ['a key', keyed, key, undefined],
    ['a key', keyed, otherKey, 'key_mismatch'],
    ['a key', keyed, right, 'key_mismatch'],
    ['a challenge and a key', both, { ...right, ...key }, undefined],
    ['a challenge and a key', both, key, 'verifier_mismatch'],
    ['a challenge and a key', both, right, 'key_mismatch'],
    ['a challenge and a key', both, { ...wrong, ...key }, 'verifier_mismatch'],
  ] as const)('a task bound to %s (%j), asked with %j: %s', (_bound, task, proof, expected) => {
    expect(refusalOf(() => requireSameProcess(task, proof))).toBe(expected);
  });

  test('the challenge itself is no verifier: what is compared has been hashed by then', () => {
    // A caller who read the challenge in a request would have to find a value whose SHA-256 it is.
    expect(refusalOf(() => requireVerifier(challenged, { answer: 'SHA-256 of the challenge' }))).toBe(
      'verifier_mismatch',
    );
  });

  test('the verifier and the key are checked one without the other where a rule asks for one only', () => {
    expect(refusalOf(() => requireVerifier(both, right))).toBeUndefined();
    expect(refusalOf(() => requireSameKey(both, key))).toBeUndefined();
  });
});
