import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { adminToken } from '../support/parties.ts';
import { bearer, postJson } from '../support/requests.ts';
import { startServerProcess } from '../support/server-process.ts';

/** What makes V8's own JSON.parse take the next name in this place for a backslash (nodejs/node#63785). */
const POISON = String.raw`{"h":[],"\\":0}`;
const READ = String.raw`{"h":1,"\"":2}`;

describe('names of members that are written with escapes', () => {
  test('are read right, whatever was read before', () => {
    JSON.parse(POISON);
    expect(JSON.parse(READ)).toEqual({ h: 1, '"': 2 });
    JSON.parse(String.raw`{"a":0,"\\u007":1}`);
    expect(JSON.parse(String.raw`{"a":0,"\u0073cope":2}`)).toEqual({ a: 0, scope: 2 });
  });

  test('are read as JSON.stringify wrote them', () => {
    const awkward = fc.string({
      unit: fc.constantFrom('"', '\\', '\n', 'u', '0', ':', ' ', 'é'),
      maxLength: 3,
    });
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 3 },
        awkward,
        fc.integer(),
        fc.constant(null),
        fc.array(tie('value'), { maxLength: 3 }),
        fc.dictionary(awkward, tie('value'), { maxKeys: 5 }),
      ),
    }));
    fc.assert(
      fc.property(value, fc.constantFrom(undefined, 2), (written, indent) => {
        const text = JSON.stringify(written, null, indent);
        expect(JSON.stringify(JSON.parse(text), null, indent)).toBe(text);
      }),
      { numRuns: 1_000 },
    );
  });

  test('keep what JSON says of members: the last of one name counts, and "__proto__" is a name', () => {
    expect(JSON.parse(String.raw`{"a":1,"\u0061":2,"b":"\\","a":3}`)).toEqual({ a: 3, b: '\\' });
    const parsed = JSON.parse(String.raw`{"\u005f_proto__":{"admin":true}}`) as Record<string, unknown>;
    expect(Object.keys(parsed)).toEqual(['__proto__']);
    expect(parsed['admin']).toBeUndefined();
  });

  test.each([String.raw`{"\x":1}`, String.raw`{"\"":1`, String.raw`"\"`, '"\\', '', undefined])(
    'is no JSON: %j',
    (text) => {
      expect(() => JSON.parse(text as string) as unknown).toThrow(SyntaxError);
    },
  );

  test('are what they are on a running server, whatever somebody has sent it', async () => {
    const server = await startServerProcess();
    try {
      const admin = bearer(await adminToken(server));
      const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
      const key = { ...publicKey.export({ format: 'jwk' }), alg: 'ES256', kid: 'its-key' };
      const register = (jwk: object) =>
        postJson(
          server,
          '/api/oauth/register',
          {
            client_name: 'Agent',
            redirect_uris: [],
            response_types: [],
            grant_types: ['client_credentials'],
            token_endpoint_auth_method: 'private_key_jwt',
            jwks: { keys: [jwk] },
          },
          admin,
        );
      await register({ ...key, '\\': 1 });
      expect(await register({ ...key, '"': 1 })).toMatchObject({
        status: 201,
        body: { jwks: { keys: [{ ...key, '"': 1 }] } },
      });
    } finally {
      await server.stop();
    }
  });
});
