import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  createRequestSigner,
  type Message,
  type SignatureOptions,
  signRequest,
  verifyRequest,
} from '../../src/requests/index.ts';
import {
  AGENT_URL,
  bytes,
  type Kind,
  NOON,
  outcome,
  pair,
  receiver,
  trusting,
  wire,
  withHeaders,
} from './parties.ts';

const keys = pair();
const ASKED = `${AGENT_URL}/agent/ask?movie=Alien`;

function signed(over: Partial<SignatureOptions> = {}, init: RequestInit = {}, url = ASKED) {
  const request = new Request(url, {
    method: 'POST',
    headers: { authorization: 'Bearer the.task.token', 'content-type': 'application/json' },
    body: '{"query":"What is on?"}',
    ...init,
  });
  return signRequest(request, {
    issuer: 'orchestrator',
    privateKey: keys.privateKey,
    now: () => NOON,
    ...over,
  });
}

describe('a signed request', () => {
  for (const kind of ['ES256', 'EdDSA', 'RS256'] as Kind[]) {
    test(`is accepted once, signed with ${kind}`, async () => {
      const { privateKey, publicKey } = pair(kind);
      const own = receiver(await trusting(publicKey));
      const message = await wire(await signed({ privateKey }));
      await expect(verifyRequest(message, own)).resolves.toEqual({
        issuer: 'orchestrator',
        keyId: undefined,
        profile: 'signature',
        id: expect.stringMatching(/^[A-Za-z0-9_-]{43}$/),
        issuedAt: NOON / 1000,
        expiresAt: NOON / 1000 + 60,
        taskToken: 'the.task.token',
      });
      expect(await outcome(verifyRequest(message, own))).toBe('replayed');
    });
  }

  test('is a Request of the Fetch API on both sides, whose body stays readable', async () => {
    const request = await signed();
    await verifyRequest(request, receiver(await trusting(keys.publicKey)));
    expect(await request.json()).toEqual({ query: 'What is on?' });
  });

  test('names its key where the issuer has several, and no other of them counts', async () => {
    const jwk: Record<string, unknown> = { ...(await exported(keys.privateKey)), kid: '2026-11' };
    const message = await wire(await signed({ privateKey: jwk }));
    expect((message.headers as Record<string, string>)['signature-input']).toContain(
      'keyid="orchestrator#2026-11"',
    );
    const { d: _private, ...publicJwk } = jwk;
    const older = { ...publicJwk, kid: '2025-01' };
    const { keysGiven } = await import('../../src/requests/index.ts');
    const known = await keysGiven([{ issuer: 'orchestrator', publicKey: publicJwk }]);
    const otherName = await keysGiven([{ issuer: 'orchestrator', publicKey: older }]);
    expect(await outcome(verifyRequest(message, receiver(otherName)))).toBe('key_unknown');
    expect((await verifyRequest(message, receiver(known))).keyId).toBe('2026-11');
  });

  test('must carry a task token where one is wanted, in either field but not in both', async () => {
    const strict = receiver(await trusting(keys.publicKey), { requireTaskToken: true });
    const without = await wire(await signed({}, { headers: {} }));
    expect(await outcome(verifyRequest(without, strict))).toBe('task_token_missing');
    const own = await wire(await signed({}, { headers: { 'task-token': 'a.b.c' } }));
    expect((await verifyRequest(own, strict)).taskToken).toBe('a.b.c');
    const both = { 'task-token': 'a.b.c', authorization: 'Bearer d.e.f' };
    expect(await outcome(verifyRequest(await wire(await signed({}, { headers: both })), strict))).toBe(
      'malformed',
    );
  });
});

describe('what was signed', () => {
  const changes: [string, string, (message: Message) => Message][] = [
    ['another body', 'body_changed', (m) => ({ ...m, body: bytes('{"query":"What is off?"}') })],
    ['no body', 'body_changed', (m) => ({ ...m, body: bytes('') })],
    ['another method', 'signature_invalid', (m) => ({ ...m, method: 'PUT' })],
    ['another path', 'signature_invalid', (m) => ({ ...m, url: m.url.replace('/ask', '/erase') })],
    [
      'a path written differently',
      'signature_invalid',
      (m) => ({ ...m, url: m.url.replace('/ask', '/%61sk') }),
    ],
    ['another query', 'signature_invalid', (m) => ({ ...m, url: m.url.replace('Alien', 'Aliens') })],
    ['no query', 'signature_invalid', (m) => ({ ...m, url: m.url.replace(/\?.*/, '') })],
    ['another task token', 'signature_invalid', (m) => withHeaders(m, { authorization: 'Bearer x' })],
    ['no task token', 'malformed', (m) => withHeaders(m, { authorization: undefined })],
    ['a second task token', 'not_covered', (m) => withHeaders(m, { 'task-token': 'x' })],
    ['another task', 'not_covered', (m) => withHeaders(m, { 'x-task-id': 'x' })],
    ['another content type', 'signature_invalid', (m) => withHeaders(m, { 'content-type': 'text/html' })],
    ['another encoding', 'not_covered', (m) => withHeaders(m, { 'content-encoding': 'gzip' })],
    [
      'a method that takes its place',
      'not_covered',
      (m) => withHeaders(m, { 'x-http-method-override': 'DELETE' }),
    ],
    ['an idempotency key', 'not_covered', (m) => withHeaders(m, { 'idempotency-key': 'x' })],
    ['another digest', 'signature_invalid', (m) => withHeaders(m, { 'content-digest': 'sha-256=:AAAA:' })],
    ['no digest', 'malformed', (m) => withHeaders(m, { 'content-digest': undefined })],
    ['no signature', 'signature_missing', (m) => withHeaders(m, { signature: undefined })],
    ['another life', 'signature_invalid', (m) => input(m, /expires=\d+/, `expires=${NOON / 1000 + 90}`)],
    ['another nonce', 'signature_invalid', (m) => input(m, /nonce="[^"]+"/, 'nonce="x"')],
    ['no nonce', 'not_covered', (m) => input(m, /;nonce="[^"]+"/, '')],
    ['another issuer', 'key_unknown', (m) => input(m, 'keyid="orchestrator"', 'keyid="somebody"')],
    ['another algorithm', 'algorithm_refused', (m) => input(m, 'ecdsa-p256-sha256', 'hmac-sha256')],
    ['another tag', 'signature_missing', (m) => input(m, 'tag="taskgrant"', 'tag="other"')],
    ['less covered', 'not_covered', (m) => input(m, ' "@query"', '')],
    ['a component twice', 'malformed', (m) => input(m, '"@query"', '"@query" "@query"')],
    ['a component with parameters', 'malformed', (m) => input(m, '"@query"', '"@query";req')],
    ['two of them', 'malformed', (m) => input(m, /^(.*)$/, '$1, b=("@method");tag="taskgrant"')],
    ['the member twice', 'malformed', (m) => input(m, /^(.*)$/, '$1, $1')],
    ['two spellings', 'malformed', (m) => withHeaders(m, { signature: 'taskgrant=:AB==:' })],
  ];
  test.each(changes)('cannot be sent with %s', async (_change, reason, change) => {
    const own = receiver(await trusting(keys.publicKey));
    const message = await wire(await signed());
    expect(await outcome(verifyRequest(change(message), own))).toBe(reason);
    // INVARIANT: what somebody tampered with does not use up the genuine request.
    expect(await outcome(verifyRequest(message, own))).toBe('accepted');
  });

  test('is for one service: another authority refuses it, whatever its Host says', async () => {
    const message = withHeaders(await wire(await signed()), { host: 'agent.example' });
    const other = receiver(await trusting(keys.publicKey), { publicUrl: 'https://other.example' });
    expect(await outcome(verifyRequest(message, other))).toBe('signature_invalid');
    const absolute = { ...message, url: ASKED };
    expect(await outcome(verifyRequest(absolute, other))).toBe('signature_invalid');
  });

  test('is the path as callers see it, where a proxy takes its beginning off', async () => {
    const behind = receiver(await trusting(keys.publicKey), { publicUrl: `${AGENT_URL}/agent/` });
    const message = await wire(await signed(), { url: '/ask?movie=Alien' });
    expect(await outcome(verifyRequest(message, behind))).toBe('accepted');
  });
});

describe('the life of a signature', () => {
  test.each([
    ['the future', 6, 60, 'from_the_future'],
    ['a little ahead', 5, 60, 'accepted'],
    ['just in time', -64, 60, 'accepted'],
    ['too late', -65, 60, 'expired'],
  ])('%s', async (_name, shift, lifetime, reason) => {
    const message = await wire(await signed({ now: () => NOON + shift * 1000, lifetime }));
    expect(await outcome(verifyRequest(message, receiver(await trusting(keys.publicKey))))).toBe(reason);
  });

  test('is two minutes at most: the signer refuses, and so does the receiver', async () => {
    await expect(signed({ lifetime: 121 })).rejects.toMatchObject({ code: 'option_invalid' });
    const far = input(await wire(await signed()), /expires=\d+/, `expires=${NOON / 1000 + 3 * 365 * 86_400}`);
    expect(await outcome(verifyRequest(far, receiver(await trusting(keys.publicKey))))).toBe(
      'lifetime_invalid',
    );
  });
});

describe('properties', () => {
  const segment = fc.string({
    unit: fc.constantFrom(...'abcXYZ019-._~%20é/:@!$&()*+,;='.split('')),
    maxLength: 12,
  });
  const sent = fc.record({
    method: fc.constantFrom('GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'QUERY'),
    path: segment,
    query: fc.option(fc.string({ maxLength: 20 }), { nil: undefined }),
    body: fc.uint8Array({ maxLength: 64 }),
    token: fc.option(fc.stringMatching(/^[A-Za-z0-9._~+/-]{1,30}$/), { nil: undefined }),
  });

  test('what is signed is accepted, whatever the method, path, query and body', async () => {
    const signer = await createRequestSigner({
      issuer: 'orchestrator',
      privateKey: keys.privateKey,
      now: () => NOON,
    });
    const own = receiver(await trusting(keys.publicKey));
    await fc.assert(
      fc.asyncProperty(sent, async ({ method, path, query, body, token }) => {
        const search = query === undefined ? '' : `?${query}`;
        const request = new Request(`${AGENT_URL}/${path}${search}`, {
          method,
          ...(method === 'GET' ? {} : { body }),
          headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
        });
        const verified = await verifyRequest(await wire(await signer.sign(request)), own);
        expect(verified.taskToken).toBe(token);
      }),
      { numRuns: 150 },
    );
  });

  test('one changed character anywhere in what is covered is refused', async () => {
    const own = receiver(await trusting(keys.publicKey));
    const message = await wire(await signed());
    const headers = message.headers as Record<string, string>;
    const parts = ['method', 'url', 'body', ...Object.keys(headers)] as const;
    const character = fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code));
    const change = fc.tuple(fc.constantFrom(...parts), fc.nat(), character);
    await fc.assert(
      fc.asyncProperty(change, async ([part, at, put]) => {
        const before = part === 'method' || part === 'url' ? message[part] : (headers[part] ?? '');
        if (part === 'body') {
          const body = message.body.slice();
          const index = at % body.length;
          body[index] = (body[index] ?? 0) ^ (put.charCodeAt(0) || 1);
          expect(await outcome(verifyRequest({ ...message, body }, own))).toBe('body_changed');
          return;
        }
        const index = at % before.length;
        fc.pre(before[index] !== put);
        const after = before.slice(0, index) + put + before.slice(index + 1);
        // The part after # never reaches a service.
        fc.pre(part !== 'url' || put !== '#');
        const changed =
          part in headers ? withHeaders(message, { [part]: after }) : { ...message, [part]: after };
        expect(await outcome(verifyRequest(changed, own))).not.toBe('accepted');
      }),
      { numRuns: 500 },
    );
    expect(await outcome(verifyRequest(message, own))).toBe('accepted');
  });
});

function input(message: Message, from: string | RegExp, to: string): Message {
  const before = (message.headers as Record<string, string>)['signature-input'] ?? '';
  const after = before.replace(from, to);
  expect(after).not.toBe(before);
  return withHeaders(message, { 'signature-input': after });
}

async function exported(pem: string): Promise<Record<string, unknown>> {
  const { createPrivateKey } = await import('node:crypto');
  return createPrivateKey(pem).export({ format: 'jwk' });
}
