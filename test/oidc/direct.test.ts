import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type AgentParty, asAdmin, pkce, registerAgent } from '../support/parties.ts';
import { type Answer, type Form, postForm, postJson } from '../support/requests.ts';
import { startServer, type TestServer } from '../support/server.ts';
import {
  ACCESS_TOKEN,
  derive,
  open,
  type OpenTask,
  TOKEN_EXCHANGE,
  TOKEN_PATH,
} from '../support/token-requests.ts';

/**
 * The token and introspection endpoints answer clients with a secret themselves and leave the rest to the engine. RFC
 * 6749 §2.3.1 lets a client percent-encode its id, which the direct way does not take: so each request can be made in
 * both ways, and must be answered in the same way.
 */
let server: TestServer;
let agent: AgentParty;
let other: AgentParty;
let root: OpenTask;
let child: OpenTask;

beforeAll(async () => {
  server = await startServer({ env: { RATE_LIMITS: 'off', TASK_MAX_CHILDREN: '10000' } });
  agent = await registerAgent(server, {
    grant_types: ['client_credentials', 'refresh_token', TOKEN_EXCHANGE],
  });
  other = await registerAgent(server, { grant_types: ['client_credentials'] });
  root = await open(server, agent, { required_tools: 'search', delegates: other.clientId });
  child = await derive(server, root);
});
afterAll(() => server.stop());

type Way = 'direct' | 'engine';

function credentials(party: AgentParty, way: Way, wrong = false): string {
  const secret = wrong ? `${party.clientSecret}x` : party.clientSecret;
  return `Basic ${Buffer.from(`${idOf(party, way)}:${secret}`).toString('base64')}`;
}

/** Three letters are escaped: base64 then has the same padding in both ways. */
function idOf({ clientId }: AgentParty, way: Way): string {
  if (way === 'direct') return clientId;
  const escaped = (letter: string) => `%${letter.charCodeAt(0).toString(16)}`;
  return clientId.replace(/^.../, (letters) => letters.replaceAll(/./g, escaped));
}

/** What both ways must have in common: everything but what is made anew for each answer. */
function essence({ status, body, headers }: Answer): unknown {
  const text = JSON.stringify(body, (name, value: unknown) => {
    if (FRESH.has(name) && value !== undefined && value !== null) return `<${typeof value}>`;
    return typeof value === 'string' ? value.replaceAll(/chosen-(direct|engine)-\d+/g, '<chosen>') : value;
  });
  return {
    status,
    body: JSON.parse(text) as unknown,
    cache: headers.get('cache-control'),
    challenge: headers.get('www-authenticate'),
    type: headers.get('content-type'),
  };
}
const FRESH = new Set([
  'access_token',
  'refresh_token',
  'token_id',
  'task_id',
  'id',
  'root',
  'identifier',
  'handle',
  'grant',
  'expires_at',
  'expires_in',
  'txn',
]);

const JWT = 'urn:ietf:params:oauth:token-type:jwt';
let chosen = 0;
const proof = pkce();

const oneOf = <T>(...values: T[]) => fc.constantFrom(...values);
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined, freq: 6 });

/** More parameters than the engine takes notice of. */
const MANY = Array.from({ length: 1001 }, () => 'x');

/** What each parameter may hold, right or wrong. What the engine would not read to its end stands before the others. */
const values = {
  unknown: maybe(oneOf<string | string[]>('x', ['x', 'y'], MANY, 'x'.repeat(58_000), 'ü'.repeat(10_000))),
  grant_type: oneOf<string | string[]>(
    'client_credentials',
    TOKEN_EXCHANGE,
    'password',
    'authorization_code',
    ['client_credentials', 'client_credentials'],
    '',
  ),
  scope: maybe(oneOf('reports:read', 'example:read', 'admin:write', 'no such', 'ü', '', ' ', 'a  b')),
  resource: maybe(
    oneOf<string | string[]>(
      'DEFAULT',
      'https://nobody.example',
      'not a uri',
      '#',
      '',
      ['DEFAULT', 'DEFAULT'],
      ['DEFAULT', ''],
    ),
  ),
  audience: maybe(oneOf<string | string[]>('DEFAULT', 'nobody')),
  code_challenge: maybe(oneOf<string | string[]>('CHALLENGE', 'short', '')),
  code_challenge_method: maybe(oneOf<string | string[]>('S256', 'plain', ['S256', 'S256'])),
  code_verifier: maybe(oneOf('ROOT', 'wrong', '')),
  parent_token: maybe(oneOf('TOKEN', 'nonsense', '')),
  parent_task_id: maybe(oneOf('TASK', 'another', 'not allowed!')),
  subject_token: maybe(oneOf<string | string[]>('TOKEN', 'CHILD', 'nonsense', '', ['TOKEN', 'TOKEN'])),
  subject_token_type: maybe(oneOf<string | string[]>(ACCESS_TOKEN, JWT, 'urn:unknown', ['x', 'y'])),
  actor_token: maybe(oneOf('TOKEN', 'nonsense', '')),
  actor_token_type: maybe(oneOf(ACCESS_TOKEN, JWT, 'urn:unknown', '')),
  requested_token_type: maybe(
    oneOf(ACCESS_TOKEN, JWT, `${JWT} `, 'urn:ietf:params:oauth:token-type:refresh_token'),
  ),
  delegate_to: maybe(oneOf<string | string[]>('OTHER', 'ID', 'nobody', '', ['OTHER', 'OTHER'])),
  task_id: maybe(oneOf('CHOSEN', 'TASK', 'not allowed!', '')),
  task_description: maybe(oneOf('Read the reports', '\u0007', 'x'.repeat(501))),
  delegates: maybe(oneOf<string | string[]>('someone', ['someone', 'somebody'], ['someone', ''], ' ')),
  required_tools: maybe(oneOf<string | string[]>('search', 'other', ['search', 'search'])),
  required_resources: maybe(oneOf('orders', '')),
  task_expires_in: maybe(oneOf('60', '0', '-1', 'soon')),
  max_depth: maybe(oneOf('0', '3', '17')),
  max_children: maybe(oneOf('1', 'x')),
  authorization_details: maybe(oneOf('[{"type":"agent_task"}]', '[]', '{')),
  client_id: maybe(oneOf('ID', 'somebody-else')),
  client_secret: maybe(oneOf('', 'again')),
  client_assertion: maybe(oneOf('', 'x.y.z')),
};
const NAMES = Object.keys(values);
const tokenForms = fc.record(values);
/** What nobody meant, at the place of any parameter. */
const anything = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.string({ unit: 'grapheme', maxLength: 40 }),
  fc.array(fc.string({ maxLength: 10 }), { minLength: 2, maxLength: 3 }),
);

const RIGHT: readonly Form[] = [
  { grant_type: 'client_credentials', code_challenge: 'CHALLENGE', code_challenge_method: 'S256' },
  {
    grant_type: TOKEN_EXCHANGE,
    subject_token: 'TOKEN',
    subject_token_type: ACCESS_TOKEN,
    code_verifier: 'ROOT',
  },
];

/** A request that is right, but for up to three parameters. */
const requests = fc
  .tuple(
    oneOf(...RIGHT),
    tokenForms,
    fc.subarray(NAMES, { maxLength: 3 }),
    fc.dictionary(oneOf(...NAMES), anything, { maxKeys: 1 }),
  )
  .map(([right, any, changed, odd]) => ({
    ...right,
    ...Object.fromEntries(Object.entries(any).filter(([name]) => changed.includes(name))),
    ...odd,
  }));

function filled(form: Record<string, unknown>, way: Way): Form {
  chosen += 1;
  const stands: Record<string, string> = {
    DEFAULT: server.defaultAudience,
    CHALLENGE: proof.parameters.code_challenge,
    ROOT: root.verifier,
    TOKEN: root.token,
    CHILD: child.token,
    TASK: root.taskId,
    OTHER: other.clientId,
    ID: agent.clientId,
    CHOSEN: `chosen-${way}-${chosen}`,
  };
  const fill = (value: string) => stands[value] ?? value;
  return Object.fromEntries(
    Object.entries(form)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => [name, Array.isArray(value) ? value.map(fill) : fill(String(value))]),
  );
}

async function bothWays(
  path: string,
  form: Record<string, unknown>,
  { who = agent, wrong = false, json = false } = {},
): Promise<[Answer, Answer]> {
  const ask = (way: Way) =>
    (json ? postJson : postForm)(server, path, filled(form, way), {
      authorization: credentials(who, way, wrong),
    });
  return [await ask('direct'), await ask('engine')];
}

describe('the direct way and the engine', () => {
  test('give the same answer to any token request', async () => {
    const outcomes = new Map<string, number>();
    await fc.assert(
      fc.asyncProperty(requests, fc.boolean(), async (form, json) => {
        const [direct, engine] = await bothWays(TOKEN_PATH, form, { json });
        expect(essence(direct)).toEqual(essence(engine));
        const outcome = direct.body.error ?? `issued by ${String(form['grant_type'])}`;
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      }),
      {
        numRuns: 400,
        endOnFailure: true,
        // Too rare to be met by chance each time.
        examples: [
          [{ grant_type: 'password' }, false],
          [{ ...RIGHT[0], scope: '*:tickets:read' }, false],
          [{ ...RIGHT[0], scope: 'constructor:x:y' }, true],
          [{ unknown: MANY, ...RIGHT[0] }, false],
          [{ ...RIGHT[0], unknown: MANY, scope: 'example:read' }, false],
          [{ ...RIGHT[0], unknown: 'x'.repeat(58_000) }, false],
          [{ ...RIGHT[0], unknown: '漢'.repeat(8000) }, true],
        ],
      },
    );
    // The requests were neither all right nor all wrong.
    expect(outcomes.get('issued by client_credentials')).toBeGreaterThan(10);
    expect(outcomes.get(`issued by ${TOKEN_EXCHANGE}`)).toBeGreaterThan(10);
    for (const error of ['invalid_request', 'invalid_scope', 'invalid_target', 'unsupported_grant_type'])
      expect([error, outcomes.get(error)]).toEqual([error, expect.any(Number)]);
    // Long requests among them, on a machine that may be busy.
  }, 60_000);

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
        { wrong, who: byOther ? other : agent },
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
      const authorization = spellings[how]?.(idOf(agent, way), agent.clientSecret) ?? '';
      const form = { grant_type: 'client_credentials', ...pkce().parameters };
      return postForm(server, TOKEN_PATH, form, { authorization });
    });
    expect(essence((await direct) as Answer)).toEqual(essence((await engine) as Answer));
  });

  test.each([
    ['suspended', 'POST', '/suspend'],
    ['deleted', 'DELETE', ''],
  ])('refuse an agent that was %s in the same way', async (_state, method, door) => {
    const gone = await registerAgent(server);
    const { status } = await asAdmin(server, method, `/api/agents/${gone.clientId}${door}`, {});
    expect(status).toBeLessThan(300);
    const asked = { grant_type: 'client_credentials', ...proof.parameters, token: 'x' };
    for (const path of [TOKEN_PATH, '/api/oauth/introspect']) {
      const [direct, engine] = await bothWays(path, asked, { who: gone });
      expect(direct.status).toBeGreaterThanOrEqual(400);
      expect(essence(direct)).toEqual(essence(engine));
    }
  });

  test('give the same answer about any token', async () => {
    const refreshing = await open(server, agent);
    const detailed = await open(server, agent, {
      authorization_details: JSON.stringify([{ type: 'agent_task', actions: ['search'] }]),
    });
    const ended = await open(server, agent);
    await asAdmin(server, 'POST', `/api/admin/tokens/${ended.tokenId}/revoke`, {});
    const tokens = {
      root: root.token,
      child: child.token,
      'a refresh token': refreshing.body.refresh_token,
      'with details': detailed.token,
      revoked: ended.token,
      unknown: 'nonsense',
      empty: '',
      twice: [root.token, root.token],
      none: undefined,
    };
    const more: Form[] = [
      {},
      { token_type_hint: 'refresh_token' },

      { include_children: 'true' },
    ];
    for (const [name, token] of Object.entries(tokens)) {
      for (const extra of more) {
        for (const who of [agent, other]) {
          const [direct, engine] = await bothWays('/api/oauth/introspect', { token, ...extra }, { who });
          expect({ name, answer: direct.text }).toEqual({ name, answer: engine.text });
          expect(essence(direct)).toEqual(essence(engine));
          const [checked, byEngine] = await bothWays('/api/oauth/verify', { token, ...extra }, { who });
          expect({ name, answer: checked.text }).toEqual({ name, answer: byEngine.text });
        }
      }
    }
    const { text } = (await bothWays('/api/oauth/introspect', { token: root.token }))[0];
    expect(JSON.parse(text)).toMatchObject({ active: true, sub: agent.clientId, task_id: root.taskId });
  });
});

interface Case {
  readonly wrong?: boolean;
  readonly other?: boolean;
  readonly form?: Form;
}
