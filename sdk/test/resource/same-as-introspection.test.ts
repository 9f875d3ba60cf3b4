import { afterAll, beforeAll, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import type { Guard } from '@taskgrant/sdk/resource';
import {
  administer,
  type AgentParty,
  registerAgent,
  registerResourceServer,
  type ResourceServerParty,
} from '../../../test/support/parties.ts';
import { send } from '../../../test/support/requests.ts';
import { startServer, type TestServer } from '../../../test/support/server.ts';
import {
  clientCredentials,
  derive,
  introspect,
  open,
  type OpenTask,
  redeem,
  handOff,
  requestToken,
  revoke,
  TOKEN_EXCHANGE,
} from '../../../test/support/token-requests.ts';
import { guardOf, statusOf } from './protected-api.ts';

/** Whatever happens: what is decided offline is what the server says when it is asked. */
let server: TestServer;
let api: ResourceServerParty;
let guard: Guard;

beforeAll(async () => {
  server = await startServer();
  api = await registerResourceServer(server);
  guard = guardOf(server, api);
  await guard.ready();
});
afterAll(async () => {
  guard.close();
  await server.stop();
});

/** What makes tokens comes oftener than what ends them: one row may end many. */
const KINDS = [
  'open',
  'open',
  'open',
  'derive',
  'derive',
  'derive',
  'hand on',
  'hand on',
  'join',
  'refresh',
  'revoke token',
  'revoke token alone',
  'end task',
  'suspend',
  'reactivate',
  'reactivate',
] as const;
const operation = fc.record({ do: fc.constantFrom(...KINDS), target: fc.nat(1000), other: fc.nat(1000) });
type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;

interface World {
  readonly agents: readonly AgentParty[];
  readonly tasks: OpenTask[];
}

/** What the server refuses leaves the world as it is. */
async function play({ agents, tasks }: World, { do: kind, target, other }: Operation): Promise<void> {
  const agent = agents[target % agents.length] as AgentParty;
  const task = tasks[target % Math.max(1, tasks.length)];
  const add = (made: OpenTask | undefined) => void (made && tasks.push(made));
  const attempt = (work: Promise<OpenTask>) => work.then(add, () => undefined);
  if (kind === 'open') return attempt(open(server, agent, formFor(agents)));
  if (kind === 'suspend' || kind === 'reactivate') {
    await administer(server, 'POST', `/api/agents/${agent.clientId}/${kind}`).catch(() => undefined);
    return undefined;
  }
  if (!task) return undefined;
  switch (kind) {
    case 'derive':
      return attempt(derive(server, task, {}));
    case 'hand on': {
      const to = agents[other % agents.length] as AgentParty;
      return attempt(handOff(server, task, to).then((voucher) => redeem(server, to, voucher)));
    }
    case 'join': {
      const form = { task_id: task.taskId, code_verifier: task.verifier, resource: api.audience };
      return add(another(task, await clientCredentials(server, task.agent, form)));
    }
    case 'refresh': {
      const form = { grant_type: 'refresh_token', refresh_token: task.body.refresh_token ?? 'none' };
      const answer = await requestToken(server, task.agent, { ...form, code_verifier: task.verifier });
      return add(another(task, answer));
    }
    case 'revoke token':
      return void (await revoke(server, task.agent, task.token));
    case 'revoke token alone':
      return void (await revoke(server, task.agent, task.token, { revoke_children: 'false' }));
    case 'end task':
      await administer(server, 'POST', `/api/tasks/${task.taskId}/revoke`, {}).catch(() => undefined);
      return undefined;
  }
}

function another(
  task: OpenTask,
  { status, body }: Awaited<ReturnType<typeof requestToken>>,
): OpenTask | undefined {
  return status === 200 ? { ...task, token: body.access_token, tokenId: body.token_id, body } : undefined;
}

const formFor = (agents: readonly AgentParty[]) => ({
  scope: 'reports:read',
  resource: api.audience,
  delegates: agents.map(({ clientId }) => clientId).join(' '),
});

/** Everything that was revoked so far is known to the guard. */
async function caughtUp(): Promise<void> {
  const { body } = await send(server, '/api/revocations?after=0&limit=1', { headers: api.headers });
  for (let tries = 0; (guard.status().feed?.sequence ?? 0) < body.head; tries += 1) {
    if (tries > 400) throw new Error('the feed does not come');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** In between as well: later revocations would hide what was wrong before. */
const COMPARE_EVERY = 8;

test('after any operations a token is accepted offline exactly when the server calls it active (property)', async () => {
  const seen = { live: 0, dead: 0 };
  const grant_types = ['client_credentials', 'refresh_token', TOKEN_EXCHANGE];
  await fc.assert(
    fc.asyncProperty(fc.array(operation, { minLength: 20, maxLength: 30 }), async (operations) => {
      const agents = await Promise.all([1, 2, 3].map(() => registerAgent(server, { grant_types })));
      const world: World = { agents, tasks: [] };
      const [first] = agents as [AgentParty];
      world.tasks.push(await open(server, first, formFor(agents)));
      for (const [i, one] of operations.entries()) {
        await play(world, one);
        if (i % COMPARE_EVERY !== 0 && i !== operations.length - 1) continue;
        await caughtUp();
        for (const { token } of world.tasks) {
          const { active } = await introspect(server, api, token);
          expect(await statusOf(guard, token)).toBe(active ? 200 : 401);
          seen[active ? 'live' : 'dead'] += 1;
        }
      }
    }),
    // A failure is shrunk by playing again, which takes its time.
    { numRuns: 8, interruptAfterTimeLimit: 15_000, markInterruptAsFailure: false, endOnFailure: true },
  );
  expect(Math.min(seen.live, seen.dead)).toBeGreaterThan(15);
});
