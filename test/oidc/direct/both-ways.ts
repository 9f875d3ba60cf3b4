import { madeOnce } from '../../support/made.ts';
import { type AgentParty, pkce, registerAgent } from '../../support/parties.ts';
import { type Answer, type Form, postForm, postJson } from '../../support/requests.ts';
import { startServer } from '../../support/server.ts';
import { derive, open, TOKEN_EXCHANGE } from '../../support/token-requests.ts';

export type Way = 'direct' | 'engine';

export const proof = pkce();

function credentials(party: AgentParty, way: Way, wrong = false): string {
  const secret = wrong ? `${party.clientSecret}x` : party.clientSecret;
  return `Basic ${Buffer.from(`${idOf(party, way)}:${secret}`).toString('base64')}`;
}

/** Three letters are escaped: base64 then has the same padding in both ways. */
export function idOf({ clientId }: AgentParty, way: Way): string {
  if (way === 'direct') return clientId;
  const escaped = (letter: string) => `%${letter.charCodeAt(0).toString(16)}`;
  return clientId.replace(/^.../, (letters) => letters.replaceAll(/./g, escaped));
}

/** What both ways must have in common: everything but what is made anew for each answer. */
export function essence({ status, body, headers }: Answer): unknown {
  const text = JSON.stringify(body, (name, value: unknown) => {
    if (FRESH.has(name) && value !== undefined && value !== null) return `<${typeof value}>`;
    return typeof value === 'string' ? value.replaceAll(/chosen-(direct|engine)-\d+/g, '<chosen>') : value;
  });
  return {
    status,
    body: JSON.parse(text) as unknown,
    cache: headers.get('cache-control'),
    challenge: headers.get('www-authenticate'),
    readBy: headers.get('access-control-allow-origin'),
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

/**
 * The token and introspection endpoints answer clients with a secret themselves and leave the rest to the engine. RFC
 * 6749 §2.3.1 lets a client percent-encode its id, which the direct way does not take: so each request can be made in
 * both ways, and must be answered in the same way.
 */
export function bothWaysScene() {
  let chosen = 0;
  const on = madeOnce(
    async () => {
      const server = await startServer({ env: { RATE_LIMITS: 'off', TASK_MAX_CHILDREN: '10000' } });
      const agent = await registerAgent(server, {
        grant_types: ['client_credentials', 'refresh_token', TOKEN_EXCHANGE],
      });
      const other = await registerAgent(server, { grant_types: ['client_credentials'] });
      const root = await open(server, agent, { required_tools: 'search', delegates: other.clientId });
      return { server, agent, other, root, child: await derive(server, root) };
    },
    ({ server }) => server.stop(),
  );

  function filled(form: Record<string, unknown>, way: Way): Form {
    chosen += 1;
    const stands: Record<string, string> = {
      DEFAULT: on.server.defaultAudience,
      CHALLENGE: proof.parameters.code_challenge,
      ROOT: on.root.verifier,
      TOKEN: on.root.token,
      CHILD: on.child.token,
      TASK: on.root.taskId,
      OTHER: on.other.clientId,
      ID: on.agent.clientId,
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
    { who = on.agent, wrong = false, json = false } = {},
  ): Promise<[Answer, Answer]> {
    const ask = (way: Way) =>
      (json ? postJson : postForm)(on.server, path, filled(form, way), {
        authorization: credentials(who, way, wrong),
      });
    return [await ask('direct'), await ask('engine')];
  }

  return { on, bothWays };
}
