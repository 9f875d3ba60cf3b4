import {
  createHash,
  createPrivateKey,
  createPublicKey,
  sign as nodeSign,
  verify as nodeVerify,
} from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { httpbis } from 'http-message-signatures';
import { signRequest, verifyRequest } from '../../src/requests/index.ts';
import { contentDigest, digestMatches } from '../../src/requests/content-digest.ts';
import { targetOf } from '../../src/requests/message.ts';
import { publicKeyOf, verify } from '../../src/requests/request-keys.ts';
import { signatureBase } from '../../src/requests/signature-base.ts';
import {
  type InnerList,
  parseDictionary,
  serializeBytes,
  serializeInnerList,
  serializeString,
} from '../../src/requests/structured-fields.ts';
import { AGENT_URL, bytes, outcome, pair, receiver, trusting, wire } from './parties.ts';

/** RFC 9421 appendix B.2: test-request. */
const RFC_REQUEST = {
  method: 'POST',
  url: 'https://example.com/foo?param=Value&Pet=dog',
  headers: {
    host: 'example.com',
    date: 'Tue, 20 Apr 2021 02:07:55 GMT',
    'content-type': 'application/json',
    'content-digest':
      'sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:',
    'content-length': '18',
  },
};
const RFC_BODY = '{"hello": "world"}';

/** RFC 9421 appendix B.1.3 and B.1.4. */
const TEST_KEY_ECC = `-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEqIVYZVLCrPZHGHjP17CTW0/+D9Lf
w0EkjqF7xB4FivAxzic30tMM4GF+hR6Dxh71Z50VGGdldkkDXZCnTNnoXQ==
-----END PUBLIC KEY-----`;
const TEST_KEY_ED25519 = `-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAJrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs=
-----END PUBLIC KEY-----`;

const keys = { ES256: pair('ES256'), EdDSA: pair('EdDSA'), RS256: pair('RS256') };

describe('the vectors of RFC 9421', () => {
  test('B.2.6: ed25519, whose signature base is given in full', async () => {
    const input = `sig-b26=("date" "@method" "@path" "@authority" "content-type" "content-length");created=1618884473;keyid="test-key-ed25519"`;
    const signature =
      'sig-b26=:wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==:';
    const covered = member(input, 'sig-b26') as InnerList;
    const base = signatureBase(covered, RFC_REQUEST, targetOf(RFC_REQUEST.url));
    expect(base).toBe(
      [
        '"date": Tue, 20 Apr 2021 02:07:55 GMT',
        '"@method": POST',
        '"@path": /foo',
        '"@authority": example.com',
        '"content-type": application/json',
        '"content-length": 18',
        '"@signature-params": ("date" "@method" "@path" "@authority" "content-type" "content-length");created=1618884473;keyid="test-key-ed25519"',
      ].join('\n'),
    );
    expect(await holds(TEST_KEY_ED25519, base, signature, 'sig-b26')).toBe(true);
    expect(await holds(TEST_KEY_ED25519, base.replace('POST', 'PUT'), signature, 'sig-b26')).toBe(false);
    // Ed25519 is deterministic: the very signature comes out again.
    const privateKey = createPrivateKey(
      '-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ+DYvh6SEqVTm50DFtMDoQikTmiCqirVv9mWG9qfSnF\n-----END PRIVATE KEY-----',
    );
    expect(`sig-b26=:${nodeSign(null, Buffer.from(base), privateKey).toString('base64')}:`).toBe(signature);
  });

  test('B.2.4 has ecdsa-p256-sha256 on a response: its base and signature hold with the same key', async () => {
    const base = [
      '"@status": 200',
      '"content-type": application/json',
      '"content-digest": sha-512=:mEWXIS7MaLRuGgxOBdODa3xqM1XdEvxoYhvlCFJ41QJgJc4GTsPp29l5oGX69wWdXymyU0rjJuahq4l5aGgfLQ==:',
      '"content-length": 23',
      '"@signature-params": ("@status" "content-type" "content-digest" "content-length");created=1618884473;keyid="test-key-ecc-p256"',
    ].join('\n');
    const signature =
      'sig-b24=:wNmSUAhwb5LxtOtOpNa6W5xj067m5hFrj0XQ4fvpaCLx0NKocgPquLgyahnzDnDAUy5eCdlYUEkLIj+32oiasw==:';
    expect(await holds(TEST_KEY_ECC, base, signature, 'sig-b24')).toBe(true);
    expect(await holds(TEST_KEY_ECC, base.replace('23', '24'), signature, 'sig-b24')).toBe(false);
  });

  test('the digest of test-request is that of its body (RFC 9530)', async () => {
    const digest = RFC_REQUEST.headers['content-digest'];
    expect(await digestMatches(digest, bytes(RFC_BODY))).toBe(true);
    expect(await digestMatches(digest, bytes(RFC_BODY.replace('world', 'World')))).toBe(false);
  });

  test('derived components are written as section 2.2 says', () => {
    const target = targetOf('HTTPS://WWW.Example.com:443/path?queryString');
    expect(target).toEqual({
      scheme: 'https',
      authority: 'www.example.com',
      path: '/path',
      query: '?queryString',
    });
    expect(targetOf('https://example.com')).toMatchObject({ path: '/', query: '?' });
    expect(targetOf('http://example.com:8080/').authority).toBe('example.com:8080');
    const covered = member('s=("@target-uri" "@scheme" "@query")', 's') as InnerList;
    expect(signatureBase(covered, RFC_REQUEST, target)).toContain(
      '"@target-uri": https://www.example.com/path?queryString\n"@scheme": https\n"@query": ?queryString\n',
    );
  });
});

describe('another implementation (http-message-signatures)', () => {
  const FIELDS = [
    '@method',
    '@authority',
    '@path',
    '@query',
    'content-digest',
    'content-type',
    'authorization',
  ];
  const BODY = '{"a":1}';

  test.each(['ES256', 'EdDSA', 'RS256'] as const)('its signature is accepted here: %s', async (kind) => {
    const request = {
      method: 'POST',
      url: `${AGENT_URL}/ask?x=1&y=%20`,
      headers: {
        'content-type': 'application/json',
        authorization: 'Bearer a.b.c',
        'content-digest': `sha-256=:${createHash('sha256').update(BODY).digest('base64')}:`,
      },
    };
    const message = await httpbis.signMessage(
      {
        key: { id: 'orchestrator', alg: NAMES[kind], sign: (data) => Promise.resolve(signed(kind, data)) },
        fields: FIELDS,
        params: ['created', 'expires', 'nonce', 'keyid', 'alg', 'tag'],
        paramValues: { expires: new Date(Date.now() + 60_000), nonce: 'n-1', tag: 'taskgrant' },
      },
      request,
    );
    const headers = Object.fromEntries(
      Object.entries(message.headers).map(([name, value]) => [name.toLowerCase(), String(value)]),
    );
    const own = receiver(await trusting(keys[kind].publicKey), { now: Date.now });
    const received = { method: 'POST', url: '/ask?x=1&y=%20', headers, body: bytes(BODY) };
    expect(await outcome(verifyRequest({ ...received, body: bytes('{}') }, own))).toBe('body_changed');
    expect(await verifyRequest(received, own)).toMatchObject({
      issuer: 'orchestrator',
      id: 'n-1',
      taskToken: 'a.b.c',
    });
  });

  test.each(['ES256', 'EdDSA', 'RS256'] as const)('it accepts what is signed here: %s', async (kind) => {
    const request = new Request(`${AGENT_URL}/ask?x=1&y=%20`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: 'Bearer a.b.c' },
      body: BODY,
    });
    const { privateKey } = keys[kind];
    const sent = await signRequest(request, { issuer: 'orchestrator', privateKey, keyId: 'k1' });
    const { headers } = await wire(sent);
    const config = {
      keyLookup: ({ keyid }: { keyid?: string }) => {
        expect(keyid).toBe('orchestrator#k1');
        return Promise.resolve({
          id: 'orchestrator#k1',
          algs: [NAMES[kind]],
          verify: (data: Buffer, signature: Buffer) => Promise.resolve(isSigned(kind, data, signature)),
        });
      },
      requiredFields: FIELDS,
      requiredParams: ['created', 'expires', 'nonce', 'keyid', 'alg', 'tag'],
    };
    const received = { method: 'POST', url: sent.url, headers: headers as Record<string, string> };
    expect(await httpbis.verifyMessage(config, received)).toBe(true);
    expect(await httpbis.verifyMessage(config, { ...received, method: 'PUT' })).toBe(false);
  });
});

describe('structured fields (RFC 8941)', () => {
  test.each([
    'a=1.5',
    'a=',
    'a',
    'A=1',
    'a=1,',
    ',a=1',
    'a=1 b=2',
    'a=1;x;x',
    'a=1, a=2',
    'a=("x""y")',
    'a=("x"',
    'a="x',
    'a="\\x"',
    'a="é"',
    'a=:AA=A:',
    'a=:AB==:',
    'a=:A:',
    'a=?2',
    'a=1234567890123456',
    'a=1\u0000',
    `a="${'x'.repeat(9000)}"`,
    Array.from({ length: 17 }, (_, i) => `k${i}=1`).join(','),
    `a=(${'1 '.repeat(65)})`,
  ])('%.30s is refused', (text) => {
    expect(() => parseDictionary(text)).toThrow(expect.objectContaining({ name: 'NotStructured' }));
  });

  test('what is written is read again as it was', () => {
    const text = fc.string({
      unit: fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code)),
    });
    const bare = fc.oneof(
      text,
      fc.integer({ min: -999_999, max: 999_999 }),
      fc.boolean(),
      fc.uint8Array({ maxLength: 40 }).map((list) => Uint8Array.from(list)),
      fc.stringMatching(/^[A-Za-z*][A-Za-z0-9:/-]{0,8}$/).map((token) => ({ token })),
    );
    const parameters = fc
      .dictionary(fc.stringMatching(/^[a-z*][a-z0-9_.*-]{0,5}$/), bare, { maxKeys: 4 })
      .map((entries) => new Map(Object.entries(entries)));
    const item = fc.record({ value: bare, parameters });
    const list = fc.record({ items: fc.array(item, { maxLength: 5 }), parameters });
    fc.assert(
      fc.property(list, (value) => {
        const read = parseDictionary(`sig=${serializeInnerList(value)}`).get('sig');
        expect(serializeInnerList(read as InnerList)).toBe(serializeInnerList(value));
        expect(read).toEqual(value);
      }),
    );
  });

  test('a line can be smuggled into nothing that is signed', () => {
    expect(() => serializeString('a\n"@method": GET')).toThrow('printable ASCII');
    const covered = member('s=("x-note")', 's') as InnerList;
    const head = { method: 'GET', url: '/', headers: { 'x-note': 'a\n"@method": GET' } };
    expect(() => signatureBase(covered, head, targetOf(AGENT_URL))).toThrow('not in the message');
  });

  test('a digest needs an algorithm that is known, and all that are known must be right', async () => {
    const body = bytes('x');
    const right = await contentDigest(body);
    expect(await digestMatches(right, body)).toBe(true);
    expect(await digestMatches('md5=:AAAA:', body)).toBe(false);
    expect(await digestMatches(`${right}, md5=:AAAA:`, body)).toBe(true);
    expect(await digestMatches(`${right}, sha-512=${serializeBytes(body)}`, body)).toBe(false);
    await expect(digestMatches('sha-256="x"', body)).rejects.toThrow('bytes');
  });
});

const NAMES = { ES256: 'ecdsa-p256-sha256', EdDSA: 'ed25519', RS256: 'rsa-v1_5-sha256' } as const;

function member(text: string, name: string) {
  return parseDictionary(text).get(name);
}

async function holds(pem: string, base: string, signature: string, name: string): Promise<boolean> {
  const value = (member(signature, name) as { value: Uint8Array<ArrayBuffer> }).value;
  return verify(await publicKeyOf(pem), bytes(base), value);
}

function signed(kind: keyof typeof keys, data: Buffer): Buffer {
  const key = createPrivateKey(keys[kind].privateKey);
  return nodeSign(kind === 'EdDSA' ? null : 'sha256', data, { key, dsaEncoding: 'ieee-p1363' });
}

function isSigned(kind: keyof typeof keys, data: Buffer, signature: Buffer): boolean {
  const key = createPublicKey(keys[kind].publicKey);
  return nodeVerify(kind === 'EdDSA' ? null : 'sha256', data, { key, dsaEncoding: 'ieee-p1363' }, signature);
}
