import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { isHarmless } from '../../src/log/harmless.ts';
import { jsonLine, logRecord, recordLine } from '../../src/log/record.ts';
import { redact } from '../../src/log/redact.ts';

const AT = new Date('2026-11-21T10:00:00.000Z');
const JWT = 'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJlLXZhbHVl';

const name = fc.oneof(
  fc.constantFrom(
    'client_id',
    'scope',
    'details',
    'token_id',
    'tools',
    'expires_at',
    '7',
    'level',
    'timestamp',
  ),
  fc.constantFrom('token', 'client_secret', 'kty', 'k', 'd', '__proto__', 'toJSON', 'code_verifier', 'x=1'),
  fc.string({ maxLength: 4 }),
);
const text = fc.oneof(
  fc.constantFrom(
    'example:read',
    'https://api.example/',
    'agt_1',
    '',
    '2026-11-21T10:00:00.000Z',
    'access_token',
  ),
  fc.constantFrom(JWT, `Bearer ${JWT}`, '{"password":"p"}', ' ["a"]', 'a?code=b', `tgs_${'a'.repeat(43)}`),
  fc.string({ unit: 'binary', maxLength: 6 }),
);
const strange = fc.constantFrom<unknown>(
  new Date(0),
  new Map([['token', 'x']]),
  new Error('password=1'),
  Buffer.from('secret'),
  10n,
  undefined,
  Number.NaN,
  -0,
);
const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    text,
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
    strange,
    fc.array(tie('value'), { maxLength: 4 }),
    fc.array(fc.tuple(name, tie('value')), { maxLength: 4 }).map((entries) => Object.fromEntries(entries)),
  ),
}));
const fields = fc
  .array(fc.tuple(name, value), { maxLength: 5 })
  .map((entries) => Object.fromEntries(entries) as Record<string, unknown>);

describe('a value that is harmless', () => {
  test('is what its redacted copy is (property)', () => {
    let harmless = 0;
    fc.assert(
      fc.property(value, (one) => {
        if (!isHarmless(one)) return;
        harmless += 1;
        expect(JSON.stringify(one)).toBe(JSON.stringify(redact(one)));
      }),
      { numRuns: 5_000 },
    );
    expect(harmless).toBeGreaterThan(500);
  });

  test.each<[string, unknown]>([
    ['an audit event', { actor: 'agt_1', details: { scope: ['example:read'], expires_at: 1, tools: [] } }],
    ['a request', { method: 'POST', path: '/api/oauth/token', status: 200, ms: 1.5, source_ip: '::1' }],
    ['an address', { audience: 'https://api.example/' }],
  ])('is %s', (_what, one) => {
    expect(isHarmless(one)).toBe(true);
  });

  test.each<[string, unknown]>([
    ['a secret by its name', { client_secret: 'x' }],
    ['a secret by its form', { note: JWT }],
    ['a secret within', { details: { list: ['a', `Bearer ${JWT}`] } }],
    ['a name before a value', ['password', 'x']],
    ['JSON that hides one', { body: '{"password":"x"}' }],
    ['a key', { kty: 'oct', k: 'x' }],
    ['an error', { error: new Error('x') }],
    ['more than a line can take', { list: Array(101).fill(1) }],
    ['deeper than is looked', [[[[[[[[['x']]]]]]]]]],
    ['what writes itself otherwise', { toJSON: () => 'x' }],
  ])('is not %s', (_what, one) => {
    expect(isHarmless(one)).toBe(false);
  });
});

test('a line is the same, whether it was copied first or not (property)', () => {
  fc.assert(
    fc.property(text, fields, (message, given) => {
      expect(recordLine(AT, 'info', 'app', message, given)).toBe(
        jsonLine(logRecord(AT, 'info', 'app', message, given)),
      );
    }),
    { numRuns: 5_000 },
  );
});
