import { describe, expect, test } from '@jest/globals';
import { createAnswerSeals } from '../../src/crypto/answer-seals.ts';

const seals = createAnswerSeals(Buffer.alloc(32, 1));

describe('the seal of an Idempotency-Key', () => {
  test('is the same for the same name, on every node with the master key', () => {
    const [one, other] = [seals('name'), createAnswerSeals(Buffer.alloc(32, 1))('name')];
    expect(other.id).toBe(one.id);
    expect(other.fingerprint('body')).toBe(one.fingerprint('body'));
    expect(other.unseal(one.seal('answer'))).toBe('answer');
  });

  test.each([
    ['another name', seals('other')],
    ['another master key', createAnswerSeals(Buffer.alloc(32, 2))('name')],
  ])('is another one for %s', (_what, other) => {
    const own = seals('name');
    expect(other.id).not.toBe(own.id);
    expect(other.fingerprint('body')).not.toBe(own.fingerprint('body'));
    expect(() => other.unseal(own.seal('answer'))).toThrow();
  });

  test('tells neither the name nor the body', () => {
    const { id, fingerprint, seal } = seals('the-key-of-the-client');
    const told = [id, fingerprint('the-body-of-the-request'), seal('the-answer')].join(' ');
    expect(told).not.toMatch(/client|request|answer/);
    expect(fingerprint('a')).not.toBe(fingerprint('b'));
  });

  test('refuses an answer that was changed', () => {
    const { seal, unseal } = seals('name');
    const sealed = seal('answer');
    expect(() => unseal(`${sealed.slice(0, -2)}AA`)).toThrow();
  });
});
