import fc from 'fast-check';
import type { Form } from '../../support/requests.ts';
import { ACCESS_TOKEN, TOKEN_EXCHANGE } from '../../support/token-requests.ts';

const JWT = 'urn:ietf:params:oauth:token-type:jwt';

const oneOf = <T>(...values: T[]) => fc.constantFrom(...values);
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined, freq: 6 });

/** More parameters than the engine takes notice of. */
export const MANY = Array.from({ length: 1001 }, () => 'x');

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

export const RIGHT: readonly Form[] = [
  { grant_type: 'client_credentials', code_challenge: 'CHALLENGE', code_challenge_method: 'S256' },
  {
    grant_type: TOKEN_EXCHANGE,
    subject_token: 'TOKEN',
    subject_token_type: ACCESS_TOKEN,
    code_verifier: 'ROOT',
  },
];

/** A request that is right, but for up to three parameters. */
export const requests = fc
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
