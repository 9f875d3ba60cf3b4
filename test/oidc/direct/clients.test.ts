import { describe, expect, test } from '@jest/globals';
import { asAdmin, pkce, registerAgent } from '../../support/parties.ts';
import { type Answer, type Form, postForm } from '../../support/requests.ts';
import { TOKEN_EXCHANGE, TOKEN_PATH } from '../../support/token-requests.ts';
import { bothWaysScene, essence, idOf, proof } from './both-ways.ts';

const { on, bothWays } = bothWaysScene();

describe('the direct way and the engine', () => {
  test.each([
    ['a wrong secret', { wrong: true }],
    [
      'a grant type that the client is not registered for',
      { form: { grant_type: TOKEN_EXCHANGE }, other: true },
    ],
  ])(
    'refuse %s in the same way',
    async (_name, { wrong = false, other: byOther = false, form = {} }: Case) => {
      const [direct, engine] = await bothWays(
        TOKEN_PATH,
        { grant_type: 'client_credentials', ...proof.parameters, ...form },
        { wrong, who: byOther ? on.other : on.agent },
      );
      expect(direct.status).toBeGreaterThanOrEqual(400);
      expect(essence(direct)).toEqual(essence(engine));
    },
  );

  const base64 = (text: string) => Buffer.from(text).toString('base64');
  const bare = (text: string) => base64(text).replaceAll('=', '');
  /** How a client may write `id:secret`, or what it may take for that. */
  const spellings: Record<string, (id: string, secret: string) => string> = {
    plainly: (id, secret) => `Basic ${base64(`${id}:${secret}`)}`,
    'without padding': (id, secret) => `Basic ${bare(`${id}:${secret}`)}`,
    'with three characters of padding': (id, secret) => `Basic ${bare(`${id}:${secret}`)}===`,
    'with one character of padding': (id, secret) => `Basic ${bare(`${id}:${secret}`)}=`,
    'with two characters of padding': (id, secret) => `Basic ${bare(`${id}:${secret}`)}==`,
    'in lower case': (id, secret) => `basic ${base64(`${id}:${secret}`)}`,
    'after two spaces': (id, secret) => `Basic  ${base64(`${id}:${secret}`)}`,
    'after a tab': (id, secret) => `Basic\t${base64(`${id}:${secret}`)}`,
    'with something behind it': (id, secret) => `Basic ${base64(`${id}:${secret}`)} x`,
    'as base64url': (id, secret) => `Basic ${Buffer.from(`${id}:${secret}`).toString('base64url')}`,
    'with a line break': (id, secret) => `Basic ${base64(`${id}:${secret}\n`)}`,
    'with a byte order mark': (id, secret) => `Basic ${base64(`\ufeff${id}:${secret}`)}`,
    'with a NUL': (id, secret) => `Basic ${base64(`${id}:${secret}\0`)}`,
    'with a space in the escaped way': (id, secret) => `Basic ${base64(`${id}:${secret}+`)}`,
    'with an escaped secret': (id, secret) => `Basic ${base64(`${id}:${secret.replaceAll('_', '%5F')}`)}`,
    'with a broken escape': (id, secret) => `Basic ${base64(`${id}:${secret}%`)}`,
    'with two colons': (id, secret) => `Basic ${base64(`${id}::${secret}`)}`,
    'without a secret': (id) => `Basic ${base64(`${id}:`)}`,
    'without a colon': (id) => `Basic ${base64(id)}`,
    'without an id': (_id, secret) => `Basic ${base64(`:${secret}`)}`,
    'in capitals': (id, secret) => `Basic ${base64(`${id.toUpperCase()}:${secret}`)}`,
    'as bytes that are no text': () => `Basic ${Buffer.from([0xff, 0x3a, 0xfe]).toString('base64')}`,
  };

  test.each(Object.keys(spellings))('take or refuse credentials written %s in the same way', async (how) => {
    const [direct, engine] = (['direct', 'engine'] as const).map((way) => {
      const authorization = spellings[how]?.(idOf(on.agent, way), on.agent.clientSecret) ?? '';
      const form = { grant_type: 'client_credentials', ...pkce().parameters };
      return postForm(on.server, TOKEN_PATH, form, { authorization });
    });
    expect(essence((await direct) as Answer)).toEqual(essence((await engine) as Answer));
  });

  test.each([
    ['suspended', 'POST', '/suspend'],
    ['deleted', 'DELETE', ''],
  ])('refuse an agent that was %s in the same way', async (_state, method, door) => {
    const gone = await registerAgent(on.server);
    const { status } = await asAdmin(on.server, method, `/api/agents/${gone.clientId}${door}`, {});
    expect(status).toBeLessThan(300);
    const asked = { grant_type: 'client_credentials', ...proof.parameters, token: 'x' };
    for (const path of [TOKEN_PATH, '/api/oauth/introspect']) {
      const [direct, engine] = await bothWays(path, asked, { who: gone });
      expect(direct.status).toBeGreaterThanOrEqual(400);
      expect(essence(direct)).toEqual(essence(engine));
    }
  });
});

interface Case {
  readonly wrong?: boolean;
  readonly other?: boolean;
  readonly form?: Form;
}
