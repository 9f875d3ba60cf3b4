import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { redactByEveryPass, redactText } from '../../src/log/redact-text.ts';

const SECRET = 'S3cr3t-Value_0123456789';

/** Pieces of every shape that holds a secret, and of what looks like one. */
const PIECES = [
  '=',
  ':',
  '%',
  '%3d',
  '%3F',
  '%26',
  '@',
  '://',
  '.',
  ' ',
  '\n',
  '\t',
  '"',
  "'",
  '`',
  '\\',
  '\\"',
  '-',
  '_',
  '--',
  ';',
  '&',
  'bearer',
  'Basic',
  'DPoP',
  'cookie',
  'Set-Cookie',
  'authorization',
  'proxy-authorization',
  'eyJ',
  'eyJhbGciOiJub25lIn0.',
  'tg_',
  'tgs_',
  'whsec_',
  '-----BEGIN PRIVATE KEY-----',
  '-----BEGIN',
  '-----END',
  'code',
  'CODE',
  'co-de',
  'c_o_d_e',
  'user_code',
  'jwt',
  'otp',
  'token',
  'to_k-en',
  'TOKEN_',
  'access_token',
  'token_type',
  'client-secret',
  'pass_word',
  'passwd',
  'passphrase',
  'api_key',
  'x-api-key-',
  'assertion',
  'verifier',
  'database_url',
  'private_key',
  'http',
  'https',
  'localhost',
  'admin',
  'read',
  '8080',
  '2026-11-21T00:57:40.711Z',
  'a',
  'é',
  '\u212a',
  '\u2028',
  SECRET,
] as const;

const piece = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...PIECES) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 6 }) },
);
const embedded = fc.array(piece, { maxLength: 14 }).map((pieces) => pieces.join(''));

describe('credentials of this server', () => {
  const key = `tg_Ab3dEf6hIj9k_${'S3cr3t-Value_'.repeat(4).slice(0, 43)}`;

  test.each([
    ['alone', key],
    ['in a path', `/agents/${key}/activity`],
    ['in a sentence', `the client ${key}, it said, is unknown`],
    ['encoded', `next%3Dwhere%3D${key}%26more`],
    ['as a client secret', `tgs_${key.slice(16)}`],
    ['as a registration token', `tgr_${key.slice(16)}`],
    ['as a webhook secret', `whsec_${key.slice(16)}+/=`],
  ])('are found %s', (_, text) => {
    expect(redactText(text)).not.toContain(key.slice(20));
    expect(redactText(text)).toContain('[redacted]');
  });

  test('are not seen in what only begins like one', () => {
    for (const text of ['tg_Ab3dEf6hIj9k', 'tg_first_key', 'outg_oing']) expect(redactText(text)).toBe(text);
  });
});

describe('leaving out passes that cannot match', () => {
  const same = (text: string) => expect(redactText(text)).toBe(redactByEveryPass(text));

  test('changes nothing about arbitrary text (property)', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 200 }), same), { numRuns: 2_000 });
  });

  test('changes nothing about text made of the pieces of secrets (property)', () => {
    fc.assert(fc.property(embedded, same), { numRuns: 10_000 });
  });

  test('changes nothing about a secret in arbitrary surroundings (property)', () => {
    const carrier = fc.constantFrom(
      `Bearer ${SECRET}`,
      `token=${SECRET}`,
      `"client_secret" : "${SECRET}"`,
      `set-cookie: a=${SECRET}`,
      `postgres://u:${SECRET}@h`,
      `%3Fcode%3D${SECRET}`,
      `eyJhbGciOiJub25lIn0.${SECRET}`,
      `-----BEGIN PRIVATE KEY-----${SECRET}-----END PRIVATE KEY-----`,
    );
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), carrier, embedded, (before, secret, after) => {
        same(`${before} ${secret} ${after}`);
        same(`${before}${secret}${after}`);
        expect(redactText(`${before} ${secret}`)).not.toContain(SECRET);
      }),
      { numRuns: 2_000 },
    );
  });

  test.each(['c-o-d-e', 'to_ken_', 'Client-Secret', 'DATABASE_URL'])('finds %s before a colon', (name) => {
    for (const colon of [':', ' : ', '":', '\\":', "' :"]) {
      const quote = /^\W*/.exec(colon)?.[0].replace(/[\s:]/g, '') ?? '';
      const text = `x ${quote}${name}${colon} ${SECRET}`;
      expect(redactText(text)).toBe(redactByEveryPass(text));
      expect(redactText(text)).not.toContain(SECRET);
    }
  });
});
