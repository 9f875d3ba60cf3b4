import { setTimeout } from 'node:timers/promises';
import { beforeAll, expect, test } from '@jest/globals';
import { type BrowserSession, browserOf } from '../support/browser-session.ts';
import { authorize, CALLBACK } from '../support/code-flow.ts';
import {
  administer,
  type AgentParty,
  createPerson,
  type PersonParty,
  registerAgent,
} from '../support/parties.ts';
import type { TestServer } from '../support/server.ts';
import {
  ADMIN,
  derive,
  introspect,
  open,
  type OpenTask,
  requestToken,
  revoke,
  TOKEN_EXCHANGE,
  tokenExchange,
} from '../support/token-requests.ts';
import { type Nodes, onEveryDatabase } from './nodes.ts';

const ROUNDS = 6;
const CHILDREN = 12;

interface Family {
  readonly root: OpenTask;
  readonly parent: OpenTask;
}

interface Cut {
  readonly bySomeone?: 'a person';
  readonly cut: (node: TestServer, family: Family) => Promise<unknown>;
  /** So that the next round can begin. */
  readonly mend?: (node: TestServer, family: Family) => Promise<unknown>;
}

const agentPath = ({ root }: Family, verb: string) => `/api/agents/${root.agent.clientId}/${verb}`;

const CUTS: Record<string, Cut> = {
  'the root task is revoked': {
    cut: (node, { root }) => administer(node, 'POST', `/api/tasks/${root.taskId}/revoke`, {}),
  },
  'the parent task is completed': {
    cut: (node, { parent }) => administer(node, 'POST', `/api/tasks/${parent.taskId}/complete`, {}),
  },
  'the token of the root is revoked': { cut: (node, { root }) => revoke(node, root.agent, root.token) },
  'the grant of the root is revoked': {
    cut: (node, { root }) => revoke(node, root.agent, root.body.refresh_token),
  },
  'the agent is suspended': {
    cut: (node, family) => administer(node, 'POST', agentPath(family, 'suspend'), {}),
    mend: (node, family) => administer(node, 'POST', agentPath(family, 'reactivate'), {}),
  },
  'the person is signed out': {
    bySomeone: 'a person',
    cut: async (node, { root }) => {
      const { sub } = await introspect(node, ADMIN, root.token);
      return administer(node, 'POST', `/api/admin/users/${sub}/sign-out`, {});
    },
  },
};

onEveryDatabase('children that are derived while something above them ends', (nodes) => {
  let front: TestServer;
  let agent: AgentParty;
  let person: PersonParty;
  let browser: BrowserSession;
  beforeAll(async () => {
    ({ front } = nodes());
    const grants = ['authorization_code', 'client_credentials', 'refresh_token', TOKEN_EXCHANGE];
    agent = await registerAgent(front, { redirect_uris: [CALLBACK], grant_types: grants });
    person = await createPerson(front);
    browser = browserOf(front, person);
  });

  const familyOf = async ({ bySomeone }: Cut): Promise<Family> => {
    const root = bySomeone
      ? await authorize(front, { agent, browser, form: { scope: 'reports:read' } })
      : await open(front, agent);
    return { root, parent: await derive(front, root) };
  };

  test.each(Object.entries(CUTS))('are dead at every node when %s', async (_what, how) => {
    let born = 0;
    for (let round = 0; round < ROUNDS; round += 1) {
      const family = await familyOf(how);
      const children = await deriveWhileCut(nodes(), family, how, round);
      born += children.length;
      await expectDead(nodes(), family, children);
      await how.mend?.(front, family);
      // Mending revives nothing (R4).
      if (how.mend) await expectDead(nodes(), family, children);
    }
    // Rounds in which every child was refused in time would prove nothing.
    expect(born).toBeGreaterThan(0);
  });
});

// oxlint-disable-next-line typescript/no-explicit-any -- answers of the token endpoint
type Body = any;

/** Children are asked for at one node, one after the other; in the midst of it the cut is made at the other. */
async function deriveWhileCut({ each }: Nodes, family: Family, { cut }: Cut, round: number): Promise<Body[]> {
  const [here, there] = [each[0], each.at(-1)] as [TestServer, TestServer];
  const { agent, token, verifier } = family.parent;
  const asked = [];
  let cutting: Promise<unknown> | undefined;
  for (let i = 0; i < CHILDREN; i += 1) {
    if (i === 2 + round) cutting = cut(there, family);
    asked.push(tokenExchange(here, agent, token, { code_verifier: verifier }));
    await setTimeout(round % 3);
  }
  const answers = await Promise.all(asked);
  await cutting;
  for (const { status } of answers) expect([200, 400, 401]).toContain(status);
  return answers.filter(({ status }) => status === 200).map(({ body }) => body);
}

async function expectDead({ each, front }: Nodes, { root, parent }: Family, children: Body[]): Promise<void> {
  const tokens = children.flatMap((body) => [body.access_token, body.refresh_token].filter(Boolean));
  for (const node of each) {
    const seen = await Promise.all(tokens.map((token) => introspect(node, ADMIN, token)));
    expect(seen).toEqual(tokens.map(() => ({ active: false })));
  }
  const [child] = children;
  if (!child) return;
  // Nor do they beget: neither by refreshing nor by deriving.
  const proof = { code_verifier: parent.verifier };
  const renewed = await requestToken(front, root.agent, {
    grant_type: 'refresh_token',
    refresh_token: child.refresh_token ?? '',
    ...proof,
  });
  const derived = await tokenExchange(front, root.agent, child.access_token, proof);
  expect([renewed.status, derived.status]).toEqual([400, 400]);
}
