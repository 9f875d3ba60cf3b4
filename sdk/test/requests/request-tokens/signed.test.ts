import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { jwtVerify, importSPKI } from 'jose';
import {
  createRequestToken,
  createRequestTokenSigner,
  requestReplaysInMemory,
  sendSecureRequest,
  verifyRequestToken,
} from '../../../src/requests/index.ts';
import {
  AGENT_URL,
  bytes,
  type Kind,
  NOON,
  outcome,
  pair,
  receiver,
  trusting,
  withHeaders,
} from '../parties.ts';
import { BODY, keys, own, sent, tokenOf, URL_ASKED } from './messages.ts';

describe('a request token', () => {
  test.each(['RS256', 'ES256', 'EdDSA'] as Kind[])('is accepted once, signed with %s', async (kind) => {
    const { privateKey, publicKey } = pair(kind);
    const mine = receiver(await trusting(publicKey));
    const message = await sent({ privateKey });
    expect(await verifyRequestToken(message, mine)).toMatchObject({
      issuer: 'orchestrator',
      profile: 'token',
      issuedAt: NOON / 1000,
      expiresAt: NOON / 1000 + 60,
      taskToken: undefined,
    });
    expect(await outcome(verifyRequestToken(message, mine))).toBe('replayed');
  });

  test('is a JWT that any library reads, with the claims of rotagent and what it is for', async () => {
    const token = await createRequestToken(
      { method: 'POST', url: URL_ASKED, body: BODY },
      { issuer: 'orchestrator', privateKey: keys.privateKey, now: () => NOON },
    );
    const currentDate = new Date(NOON);
    const { payload, protectedHeader } = await jwtVerify(token, await importSPKI(keys.publicKey, 'RS256'), {
      currentDate,
    });
    expect(protectedHeader).toEqual({ alg: 'RS256', typ: 'JWT' });
    expect(payload).toEqual({
      iss: 'orchestrator',
      aud: AGENT_URL,
      iat: NOON / 1000,
      exp: NOON / 1000 + 60,
      jti: expect.any(String),
      htm: 'POST',
      htu: URL_ASKED,
      content_sha256: await hex(BODY),
    });
  });

  test('is for one task token, sent beside it', async () => {
    const mine = await own({ requireTaskToken: true });
    expect(await outcome(verifyRequestToken(await sent(), mine))).toBe('task_token_missing');
    const message = await sent({}, 'a.b.c');
    const exchanged = withHeaders(message, { 'task-token': 'x.y.z' });
    expect(await outcome(verifyRequestToken(exchanged, mine))).toBe('task_token_mismatch');
    const added = withHeaders(await sent(), { 'task-token': 'x.y.z' });
    expect(await outcome(verifyRequestToken(added, mine))).toBe('task_token_mismatch');
    const removed = withHeaders(message, { 'task-token': undefined });
    expect(await outcome(verifyRequestToken(removed, await own()))).toBe('task_token_mismatch');
    expect((await verifyRequestToken(message, mine)).taskToken).toBe('a.b.c');
  });

  test('does not take the place of another Authorization', async () => {
    const signer = await createRequestTokenSigner({ issuer: 'orchestrator', privateKey: keys.privateKey });
    const request = new Request(URL_ASKED, { headers: { authorization: 'Bearer a.b.c' } });
    await expect(signer.sign(request)).rejects.toMatchObject({ code: 'option_invalid' });
  });

  test('goes out with JSON as OrchestratorClient sends it', async () => {
    const mine = await own({ now: Date.now, replays: requestReplaysInMemory() });
    const response = await sendSecureRequest({
      url: URL_ASKED,
      payload: { query: 'What movies are playing?' },
      issuerId: 'orchestrator',
      privateKeyPem: keys.privateKey,
      fetch: async (request) => {
        const { issuer } = await verifyRequestToken(request as Request, mine);
        return Response.json({ issuer, asked: await (request as Request).json() });
      },
    });
    expect(await response.json()).toEqual({ issuer: 'orchestrator', asked: JSON.parse(BODY) });
  });
});

test('one changed character of a token is refused, and changes nothing for the genuine one', async () => {
  const mine = await own();
  const message = await sent();
  const token = tokenOf(message);
  const character = fc.constantFrom(
    ...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=+/'.split(''),
  );
  await fc.assert(
    fc.asyncProperty(fc.nat({ max: token.length - 1 }), character, async (at, put) => {
      fc.pre(token[at] !== put);
      const changed = withHeaders(message, {
        authorization: `Bearer ${token.slice(0, at)}${put}${token.slice(at + 1)}`,
      });
      expect(await outcome(verifyRequestToken(changed, mine))).not.toBe('accepted');
    }),
    { numRuns: 400 },
  );
  expect(await outcome(verifyRequestToken(message, mine))).toBe('accepted');
});

async function hex(text: string): Promise<string> {
  return Buffer.from(await crypto.subtle.digest('SHA-256', bytes(text))).toString('hex');
}
