import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { jwtVerify, importSPKI, SignJWT, importPKCS8, decodeJwt } from 'jose';
import {
  createRequestToken,
  createRequestTokenSigner,
  type Message,
  type RequestTokenOptions,
  requestReplaysInMemory,
  sendSecureRequest,
  verifyRequestToken,
} from '../../src/requests/index.ts';
import {
  AGENT_URL,
  bytes,
  type Kind,
  NOON,
  outcome,
  pair,
  type Receiver,
  receiver,
  trusting,
  wire,
  withHeaders,
} from './parties.ts';

const keys = pair('RS256');
const URL_ASKED = `${AGENT_URL}/agent?deep=1`;
const BODY = '{"query":"What movies are playing?"}';

async function sent(over: Partial<RequestTokenOptions> = {}, taskToken?: string): Promise<Message> {
  const options = { issuer: 'orchestrator', privateKey: keys.privateKey, now: () => NOON, ...over };
  const signer = await createRequestTokenSigner(options);
  const request = new Request(URL_ASKED, { method: 'POST', body: BODY });
  return wire(await signer.sign(request, taskToken));
}

/** A token with exactly these claims, as another library would sign it. */
async function bearing(
  claims: Record<string, unknown>,
  header: Record<string, unknown> = {},
): Promise<Message> {
  const key = await importPKCS8(keys.privateKey, 'RS256');
  const token = await new SignJWT(claims).setProtectedHeader({ alg: 'RS256', ...header }).sign(key);
  return withHeaders(await sent(), { authorization: `Bearer ${token}` });
}

/** What rotagent puts into its tokens, and nothing else. */
async function rotagentClaims(over: Record<string, unknown> = {}): Promise<Record<string, unknown>> {
  const { content_sha256 } = decodeJwt(tokenOf(await sent()));
  const now = NOON / 1000;
  return { iss: 'orchestrator', iat: now, exp: now + 60, jti: 'j-1', content_sha256, ...over };
}

async function own(over: Partial<Receiver> = {}): Promise<Receiver> {
  return receiver(await trusting(keys.publicKey), over);
}

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

describe('what rotagent let through', () => {
  const tampered: [string, string, (message: Message) => Message][] = [
    ['another body', 'body_changed', (m) => ({ ...m, body: bytes('{"query":"else"}') })],
    ['another path', 'url_mismatch', (m) => ({ ...m, url: '/admin?deep=1' })],
    ['another query', 'url_mismatch', (m) => ({ ...m, url: '/agent?deep=2' })],
    ['another method', 'method_mismatch', (m) => ({ ...m, method: 'PUT' })],
    [
      'a method that takes its place',
      'not_covered',
      (m) => withHeaders(m, { 'x-method-override': 'DELETE' }),
    ],
    ['no token', 'signature_missing', (m) => withHeaders(m, { authorization: undefined })],
  ];
  test.each(tampered)(
    '%s: refused, and the genuine jti is not used up by it',
    async (_name, reason, change) => {
      const mine = await own();
      const message = await sent();
      expect(await outcome(verifyRequestToken(change(message), mine))).toBe(reason);
      expect(await outcome(verifyRequestToken(message, mine))).toBe('accepted');
    },
  );

  test('one token worked at another agent: now its audience must be this one', async () => {
    const message = await sent();
    const other = await own({ publicUrl: 'https://other.example' });
    expect(await outcome(verifyRequestToken(message, other))).toBe('audience_mismatch');
    // Two agents behind one address have names of their own.
    const named = await own({ audience: 'reviewer' });
    expect(await outcome(verifyRequestToken(message, named))).toBe('audience_mismatch');
    expect(await outcome(verifyRequestToken(await sent({ audience: 'reviewer' }), named))).toBe('accepted');
    expect(
      await outcome(
        verifyRequestToken(
          await bearing({ ...decodeJwt(tokenOf(message)), aud: [AGENT_URL, 'x'] }),
          await own(),
        ),
      ),
    ).toBe('audience_mismatch');
  });

  test('a token without aud, htm and htu is refused, unless that is said in so many words', async () => {
    const message = await bearing(await rotagentClaims());
    expect(await outcome(verifyRequestToken(message, await own()))).toBe('not_covered');
    expect(await outcome(verifyRequestToken(message, await own({ compatible: true })))).toBe('accepted');
    for (const [over, reason] of [
      [{ aud: 'https://other.example' }, 'audience_mismatch'],
      [{ htm: 'GET' }, 'method_mismatch'],
      [{ htu: `${AGENT_URL}/admin` }, 'url_mismatch'],
    ] as const) {
      const partly = await bearing(await rotagentClaims(over));
      expect(await outcome(verifyRequestToken(partly, await own({ compatible: true })))).toBe(reason);
    }
  });

  test('APP_ENV=development turned checks off: now the environment changes nothing', async () => {
    const before = { ...process.env };
    try {
      Object.assign(process.env, { APP_ENV: 'development', NODE_ENV: 'development', DEBUG: '*' });
      const mine = await own();
      const message = await sent();
      const changed = { ...message, body: bytes('{}') };
      expect(await outcome(verifyRequestToken(changed, mine))).toBe('body_changed');
      expect(await outcome(verifyRequestToken(message, mine))).toBe('accepted');
      expect(await outcome(verifyRequestToken(message, mine))).toBe('replayed');
      expect(await outcome(verifyRequestToken(await bearing(await rotagentClaims()), mine))).toBe(
        'not_covered',
      );
    } finally {
      process.env = before;
    }
  });

  test('a life of three years was accepted: now two minutes are the most', async () => {
    const now = NOON / 1000;
    for (const [claims, reason] of [
      [{ exp: now + 3 * 365 * 86_400 }, 'lifetime_invalid'],
      [{ exp: now + 121 }, 'lifetime_invalid'],
      [{ exp: now + 120 }, 'accepted'],
      [{ iat: now - 3600, exp: now + 60 }, 'lifetime_invalid'],
      [{ iat: now + 6, exp: now + 66 }, 'from_the_future'],
      [{ iat: now - 120, exp: now - 5 }, 'expired'],
      [{ iat: undefined }, 'lifetime_invalid'],
      [{ exp: undefined }, 'lifetime_invalid'],
      [{ exp: '99999999999' }, 'lifetime_invalid'],
      [{ iat: now + 0.5 }, 'lifetime_invalid'],
    ] as const) {
      const message = await bearing(await rotagentClaims(claims));
      expect(await outcome(verifyRequestToken(message, await own({ compatible: true })))).toBe(reason);
    }
  });

  test('jti was not kept per issuer: now no issuer uses up the id of another', async () => {
    const { keysGiven } = await import('../../src/requests/index.ts');
    const issuers = ['orchestrator', 'planner'].map((issuer) => ({ issuer, publicKey: keys.publicKey }));
    const mine = receiver(await keysGiven(issuers), { compatible: true });
    const planner = await bearing(await rotagentClaims({ iss: 'planner' }));
    const orchestrator = await bearing(await rotagentClaims());
    expect(await outcome(verifyRequestToken(planner, mine))).toBe('accepted');
    expect(await outcome(verifyRequestToken(orchestrator, mine))).toBe('accepted');
    expect(await outcome(verifyRequestToken(orchestrator, mine))).toBe('replayed');
  });

  test('the key decides the algorithm, whatever the header says', async () => {
    const mine = await own({ compatible: true });
    const [header = '', payload = '', signature = ''] = tokenOf(await bearing(await rotagentClaims())).split(
      '.',
    );
    const claiming = (alg: string) => withAuthorization(`${encoded({ alg })}.${payload}.${signature}`);
    expect(await outcome(verifyRequestToken(await claiming('none'), mine))).toBe('algorithm_refused');
    expect(await outcome(verifyRequestToken(await claiming('HS256'), mine))).toBe('algorithm_refused');
    expect(await outcome(verifyRequestToken(await claiming('ES256'), mine))).toBe('algorithm_refused');
    const unsigned = await withAuthorization(`${header}.${payload}.`);
    expect(await outcome(verifyRequestToken(unsigned, mine))).toBe('malformed');
    const hmac = await new SignJWT(await rotagentClaims())
      .setProtectedHeader({ alg: 'HS256' })
      .sign(bytes(keys.publicKey));
    expect(await outcome(verifyRequestToken(await withAuthorization(hmac), mine))).toBe('algorithm_refused');
  });

  test('a token of another purpose is none: access tokens, proofs, extensions', async () => {
    const mine = await own({ compatible: true });
    for (const header of [{ typ: 'at+jwt' }, { typ: 'dpop+jwt' }]) {
      expect(await outcome(verifyRequestToken(await bearing(await rotagentClaims(), header), mine))).toBe(
        'malformed',
      );
    }
    const [, payload = '', signature = ''] = tokenOf(await sent()).split('.');
    const critical = `${encoded({ alg: 'RS256', crit: ['x'], x: 1 })}.${payload}.${signature}`;
    expect(await outcome(verifyRequestToken(await withAuthorization(critical), mine))).toBe('malformed');
  });

  test.each([
    { iss: undefined },
    { iss: '../orchestrator#x' },
    { iss: ['orchestrator'] },
    { jti: undefined },
    { jti: '' },
    { jti: 7 },
    { jti: 'x'.repeat(257) },
    { content_sha256: undefined },
    { content_sha256: 'abc' },
    { content_sha256: 1 },
  ])('claims that are none are refused: %j', async (over) => {
    const message = await bearing(await rotagentClaims(over));
    expect(await outcome(verifyRequestToken(message, await own({ compatible: true })))).toBe('malformed');
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

function tokenOf({ headers }: Message): string {
  return (headers as Record<string, string>)['authorization']?.slice('Bearer '.length) ?? '';
}

async function withAuthorization(token: string): Promise<Message> {
  return withHeaders(await sent(), { authorization: `Bearer ${token}` });
}

function encoded(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

async function hex(text: string): Promise<string> {
  return Buffer.from(await crypto.subtle.digest('SHA-256', bytes(text))).toString('hex');
}
