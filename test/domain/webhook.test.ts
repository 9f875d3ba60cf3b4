import { expect, test } from '@jest/globals';
import { afterReplacing, signingSecrets } from '../../src/domain/webhook.ts';

const FRESH = { sealedSecret: 'one', previousSealedSecret: null, previousEndsAt: null, olderSecrets: null };

test('each secret signs until the end of the overlap that it was replaced with', () => {
  const second = afterReplacing(FRESH, { sealed: 'two', now: 0, endsAt: 100 });
  const third = afterReplacing(second, { sealed: 'three', now: 50, endsAt: 150 });
  expect(signingSecrets(FRESH, 0)).toEqual(['one']);
  expect(signingSecrets(second, 99)).toEqual(['two', 'one']);
  expect(signingSecrets(third, 50)).toEqual(['three', 'two', 'one']);
  expect(signingSecrets(third, 100)).toEqual(['three', 'two']);
  expect(signingSecrets(third, 150)).toEqual(['three']);
});

test('what does not sign any more is not kept', () => {
  const second = afterReplacing(FRESH, { sealed: 'two', now: 0, endsAt: 100 });
  const third = afterReplacing(second, { sealed: 'three', now: 100, endsAt: 200 });
  expect(third).toEqual({
    sealedSecret: 'three',
    previousSealedSecret: 'two',
    previousEndsAt: 200,
    olderSecrets: null,
  });
  const fourth = afterReplacing(third, { sealed: 'four', now: 100, endsAt: null });
  expect(fourth).toEqual({ ...FRESH, sealedSecret: 'four' });
});

test('all that were replaced end at once also where an older release does it, which knows of one only', () => {
  const second = afterReplacing(FRESH, { sealed: 'two', now: 0, endsAt: 100 });
  const third = afterReplacing(second, { sealed: 'three', now: 50, endsAt: 150 });
  const fourth = { ...third, sealedSecret: 'four', previousSealedSecret: null, previousEndsAt: null };
  expect(signingSecrets(fourth, 60)).toEqual(['four']);
  expect(afterReplacing(fourth, { sealed: 'five', now: 60, endsAt: 160 }).olderSecrets).toBeNull();
});
