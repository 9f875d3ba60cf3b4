import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { REDACTED, redact } from '../../src/log/redact.ts';

const SECRET = 'S3cr3t-Value_0123456789';
const JWT = 'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJlLXZhbHVl';
const NAMES = [
  'authorization',
  'cookie',
  'set-cookie',
  'password',
  'client_secret',
  'registration_token',
  'registration_access_token',
  'access_token',
  'refresh_token',
  'id_token',
  'token',
  'code',
  'code_verifier',
  'parent_token',
  'subject_token',
  'actor_token',
  'client_assertion',
  'assertion',
  'api_key',
  'secret',
  'dpop',
];
const PUBLIC_NAMES = [
  'code_challenge',
  'code_challenge_method',
  'token_id',
  'task_id',
  'token_type',
  'subject_token_type',
  'expires_in',
  'status_code',
  'error_code',
  'client_id',
  'token_endpoint_auth_method',
];

const shown = (value: unknown) => JSON.stringify(redact(value));
const camel = (name: string) => name.replace(/[-_](.)/g, (_, letter: string) => letter.toUpperCase());

describe('a member with a secret’s name', () => {
  test.each(NAMES)('%s is hidden, however the name is written', (name) => {
    for (const form of [
      name,
      name.toUpperCase(),
      camel(name),
      name.replaceAll('_', '-'),
      `x-${name.replaceAll('_', '')}`,
    ]) {
      if (form.startsWith('x-') && !/(token|secret|password|assertion|apikey|verifier)$/.test(form)) continue;
      expect(redact({ [form]: SECRET })).toEqual({ [form]: REDACTED });
    }
  });

  test.each(PUBLIC_NAMES)('%s is not hidden', (name) => {
    expect(redact({ [name]: 'plain' })).toEqual({ [name]: 'plain' });
  });

  test('is hidden as a whole, be it a list, an object or a number', () => {
    expect(redact({ token: { a: SECRET }, cookie: [SECRET], code: 123456 })).toEqual({
      token: REDACTED,
      cookie: REDACTED,
      code: REDACTED,
    });
  });

  test('shows whether it was there', () => {
    expect(redact({ token: undefined, password: null, code_verifier: true })).toEqual({
      token: undefined,
      password: null,
      code_verifier: true,
    });
  });

  test('private members of a JSON Web Key are hidden, public ones stay', () => {
    const key = {
      kty: 'EC',
      crv: 'P-256',
      x: 'xx',
      y: 'yy',
      d: SECRET,
      p: SECRET,
      q: SECRET,
      k: SECRET,
      kid: '1',
    };
    expect(redact({ jwk: key })).toEqual({
      jwk: { ...key, d: REDACTED, p: REDACTED, q: REDACTED, k: REDACTED },
    });
    expect(redact({ d: 'distance' })).toEqual({ d: 'distance' });
  });

  test('raw headers and lists of pairs are understood', () => {
    expect(redact(['Host', 'a', 'Cookie', `sid=${SECRET}`])).toEqual(['Host', 'a', 'Cookie', REDACTED]);
    expect(shown(new Map([['set-cookie', SECRET]]))).not.toContain(SECRET);
    expect(shown([['x-api-key', SECRET]])).not.toContain(SECRET);
  });
});

describe('a text', () => {
  test.each([
    `Bearer ${SECRET}`,
    `Authorization: Basic ${Buffer.from('id:secret').toString('base64')}${SECRET}`,
    `Cookie: a=b; _session=${SECRET}`,
    `/api/oauth/token?grant_type=x&code=${SECRET}&state=1`,
    `https://app.example/cb#access_token=${SECRET}`,
    `client_id=a&client_secret=${SECRET}`,
    `client%5Fsecret=${SECRET}`,
    `/login?return=https%3A%2F%2Fa.example%2F%3Fcode%3D${SECRET}%26state%3D1`,
    `{"code_verifier": "${SECRET}"}`,
    `{"list": [{"token": ["${SECRET}"]}]}`,
    `body was {"refresh_token":"${SECRET}"} sorry`,
    `body was "{\\"refresh_token\\":\\"${SECRET}\\"}" sorry`,
    `{ client_secret: '${SECRET}' }`,
    `{"password":"a\\"${SECRET}"`,
    `postgres://user:${SECRET}@db.example/taskgrant`,
    `update t set x where \`api_key\` = '${SECRET}'`,
    `parent_token=${JWT} and ${SECRET.slice(0, 0)}`,
    `-----BEGIN PRIVATE KEY-----\n${SECRET}\n-----END PRIVATE KEY-----`,
    new URL(`https://a.example/?token=${SECRET}`),
    new URLSearchParams({ code: SECRET }),
    new Error(`refused Bearer ${SECRET}`, { cause: { client_secret: SECRET } }),
    { [`code=${SECRET}`]: 1 },
  ])('loses its secret: %s', (value) => {
    expect(shown(value)).not.toContain(SECRET);
    expect(shown(value)).toContain('[redacted]');
  });

  test.each([JWT, `x ${JWT} y`, `%22${JWT}%22`, `eyJhbGciOiJub25lIn0.${'a'.repeat(30)}.`, `${JWT}.a.b`])(
    'loses what looks like a JWT: %s',
    (value) => {
      expect(shown(value)).not.toMatch(/eyJ/);
    },
  );

  test.each([
    'Basic authentication failed, bearer token required',
    'task_id=t-1&token_type=Bearer&expires_in=600&code_challenge=abc',
    'invalid token: expired',
    'the file src/oidc/provider.ts:12:5 is fine',
    '2026-11-20T21:53:00.000Z',
    '{"task_id":"t-1","token_id":"k-1"}',
  ])('keeps what is no secret: %s', (text) => {
    expect(redact(text)).toBe(text);
  });

  test('stays readable around the secret', () => {
    expect(redact(`GET /cb?state=1&code=${SECRET}&iss=a`)).toBe('GET /cb?state=1&code=[redacted]&iss=a');
  });

  test('of the cause of an error is kept, its kind under the name error_code', () => {
    const error = Object.assign(new Error('no'), { code: 'ECONNREFUSED' });
    expect(redact({ error })).toMatchObject({
      error: { name: 'Error', message: 'no', error_code: 'ECONNREFUSED' },
    });
  });
});

describe('any value', () => {
  const secretName = fc.constantFrom(...NAMES);
  const secret = fc.stringMatching(/^[A-Za-z0-9]{8,40}$/).map((text) => `Zq9${text}7`);
  const wrap = fc.constantFrom<(value: unknown) => unknown>(
    (value) => ({ a: value }),
    (value) => [value],
    (value) => ({ deep: { deeper: [1, value] } }),
    (value) => new Map([['m', value]]),
    (value) => new Set([value]),
    (value) => Object.assign(new Error('x'), { detail: value }),
    (value) => JSON.stringify({ body: value }),
  );

  test('hides a secret wherever it is nested and however it is carried (property)', () => {
    const carry = fc.constantFrom<(name: string, value: string) => unknown>(
      (name, value) => ({ [name]: value }),
      (name, value) => ({ [name.toUpperCase()]: { value } }),
      (name, value) => `?a=1&${name}=${value}&b=2`,
      (name, value) => JSON.stringify({ [name]: value }),
      (name, value) => [name, value],
      (_, value) => `Bearer ${value}`,
      (_, value) => ({ kty: 'RSA', d: value }),
    );
    fc.assert(
      fc.property(secretName, secret, carry, wrap, wrap, (name, value, carried, inner, outer) => {
        expect(shown(outer(inner(carried(name, value)))) ?? '').not.toContain(value);
      }),
      { numRuns: 500 },
    );
  });

  test('is accepted: never throws, is never changed, and the result is JSON (property)', () => {
    fc.assert(
      fc.property(
        fc.anything({
          withBigInt: true,
          withDate: true,
          withMap: true,
          withSet: true,
          withNullPrototype: true,
          withTypedArray: true,
        }),
        (value) => {
          const result = redact(value);
          expect(() => JSON.stringify(result)).not.toThrow();
        },
      ),
      { numRuns: 500 },
    );
    const original = Object.freeze({ token: SECRET, list: Object.freeze([SECRET]) });
    redact(original);
    expect(original).toEqual({ token: SECRET, list: [SECRET] });
  });

  test('redacting twice is redacting once (property)', () => {
    fc.assert(
      fc.property(fc.object({ maxDepth: 3 }), (value) => expect(shown(redact(value))).toBe(shown(value))),
    );
  });
});

describe('bounds', () => {
  test('a cycle is cut, a value shared by two members is not', () => {
    const shared = { a: 1 };
    const loop: Record<string, unknown> = { left: shared, right: shared };
    loop['self'] = loop;
    expect(redact(loop)).toEqual({ left: { a: 1 }, right: { a: 1 }, self: '[circular]' });
  });

  test('depth, length and number are limited', () => {
    let deep: unknown = SECRET;
    for (let level = 0; level < 10_000; level += 1) deep = { deep };
    expect(shown(deep)).toContain('[too deep]');
    expect(shown('a'.repeat(1_000_000))?.length).toBeLessThan(9_000);
    expect(shown(Array.from({ length: 100_000 }, () => 'x'))?.length).toBeLessThan(2_000);
    expect(shown(Object.fromEntries(Array.from({ length: 5_000 }, (_, n) => [n, n])))?.length).toBeLessThan(
      2_000,
    );
    const wide = (level: number): unknown =>
      level === 0 ? 'x' : Array.from({ length: 50 }, () => wide(level - 1));
    expect(shown(wide(3))?.length).toBeLessThan(200_000);
  });

  test('a secret across the cut does not survive in part', () => {
    const text = `${'a '.repeat(3_990)}token=${SECRET.repeat(40)}`;
    expect(redact(text)).not.toContain('S3cr3t');
  });

  test.each([
    'eyJ'.repeat(4_000),
    'eyJ.'.repeat(2_000),
    'a='.repeat(4_000),
    '"a":'.repeat(2_000),
    '\\"'.repeat(4_000),
    '-----BEGIN '.repeat(700),
    'Bearer '.repeat(1_100),
    '://a'.repeat(2_000),
    '%3f'.repeat(2_600),
    ' '.repeat(8_000),
    'token'.repeat(1_600),
    'token '.repeat(1_300),
    `token${' '.repeat(7_900)}`,
    `${'i'.repeat(10)}${'-'.repeat(7_900)}`,
    'i-o-n-'.repeat(1_300),
    `${'code"'.repeat(1_500)}:`,
  ])('a hostile text takes no time (%#)', (text) => {
    const start = performance.now();
    redact(text);
    expect(performance.now() - start).toBeLessThan(200);
  });

  test('a getter that throws, bytes and functions are named, not followed', () => {
    const value = {
      get broken() {
        throw new Error('no');
      },
      bytes: Buffer.from(SECRET),
      run: () => SECRET,
      big: 1n,
    };
    expect(redact(value)).toEqual({
      broken: '[unreadable]',
      bytes: '[23 bytes]',
      run: '[function]',
      big: '1',
    });
  });

  test('a member named __proto__ is data', () => {
    const result = redact(JSON.parse('{"__proto__": {"admin": true}}')) as object;
    expect(Object.keys(result)).toEqual(['__proto__']);
    expect(({} as { admin?: boolean }).admin).toBeUndefined();
  });
});
