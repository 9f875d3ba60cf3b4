import { describe, expect, test } from '@jest/globals';
import { SignJWT, decodeJwt } from 'jose';
import { type Message, verifyRequestToken } from '../../../src/requests/index.ts';
import { AGENT_URL, bytes, NOON, outcome, receiver, withHeaders } from '../parties.ts';
import { bearing, keys, own, rotagentClaims, sent, tokenOf, withAuthorization } from './messages.ts';

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
    const { keysGiven } = await import('../../../src/requests/index.ts');
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

function encoded(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
