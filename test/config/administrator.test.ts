import { describe, expect, test } from '@jest/globals';
import { configDirectory } from './config-directory.ts';

const { load, problem } = configDirectory();

describe('the first administrator', () => {
  test.each(['nobody', 'admin@-x.example', 'admin@example..com', `${'a'.repeat(65)}@x.example`])(
    'has no address such as %s',
    (ADMIN_EMAIL) => {
      expect(problem({ ADMIN_EMAIL }, 'adminEmail')).toContain('must be an e-mail address');
    },
  );

  test.each(['admin@localhost', 'Root@Example.com', 'a+b@mail.example.org'])('may be %s', (ADMIN_EMAIL) => {
    expect(load({ ADMIN_EMAIL }).adminEmail).toBe(ADMIN_EMAIL);
  });

  test('has a password of 12 to 256 characters, however many bytes they take', () => {
    const expected = 'must have 12 to 256 characters';
    for (const ADMIN_PASSWORD of ['short', '🔑'.repeat(11), 'x'.repeat(257)])
      expect(problem({ ADMIN_PASSWORD }, 'adminPassword')).toBe(expected);
    for (const ADMIN_PASSWORD of ['🔑'.repeat(12), 'x'.repeat(256)])
      expect(load({ ADMIN_PASSWORD }).adminPassword).toBe(ADMIN_PASSWORD);
  });
});
