import { beforeAll, expect, test } from '@jest/globals';
import { type BrowserSession, browserOf } from '../support/browser-session.ts';
import { authorize, CALLBACK } from '../support/code-flow.ts';
import { type AgentParty, createPerson, registerAgent } from '../support/parties.ts';
import type { Answer } from '../support/requests.ts';
import type { TestServer } from '../support/server.ts';
import {
  ADMIN,
  auditEvents,
  introspect,
  open,
  type OpenTask,
  requestToken,
  TOKEN_EXCHANGE,
} from '../support/token-requests.ts';
import { atOnce, type Nodes, onEveryDatabase, RIVALS, tally, winner } from './nodes.ts';

const GRACE_SECONDS = 30;
const GRANTS = ['authorization_code', 'client_credentials', 'refresh_token', TOKEN_EXCHANGE];

function refresh(server: TestServer, { agent, verifier }: OpenTask, token: string): Promise<Answer> {
  // A person's task is refreshed without a verifier (R7).
  const proof = verifier === '' ? {} : { code_verifier: verifier };
  return requestToken(server, agent, { grant_type: 'refresh_token', refresh_token: token, ...proof });
}

async function expectEach({ each }: Nodes, tokens: readonly string[], active: boolean): Promise<void> {
  for (const node of each) {
    const seen = await Promise.all(tokens.map((token) => introspect(node, ADMIN, token)));
    expect(seen.map((answer) => answer.active)).toEqual(tokens.map(() => active));
  }
}

/** Generations and family of the refresh tokens of a task, as they are stored. */
async function familyOf(server: TestServer, taskId: string) {
  const { store } = server.taskgrant;
  const task = await store.tasks.byTaskId(taskId);
  const tokens = (await store.tokens.ofTask(task?.handle ?? '')).filter(({ kind }) => kind === 'refresh');
  return {
    families: new Set(tokens.map(({ grant }) => grant)),
    generations: Object.groupBy(tokens, ({ generation }) => generation),
    consumed: tokens.filter(({ consumedAt }) => consumedAt !== null).length,
  };
}

const OF = {
  'an agent': (server: TestServer, agent: AgentParty, _browser: BrowserSession) => open(server, agent),
  'a person': async (server: TestServer, agent: AgentParty, browser: BrowserSession) => ({
    ...(await authorize(server, { agent, browser, form: { scope: 'reports:read' } })),
    verifier: '',
  }),
};

onEveryDatabase('a refresh token that is used by many at once, with a grace time', (nodes) => {
  let server: TestServer;
  let agent: AgentParty;
  let browser: BrowserSession;
  beforeAll(async () => {
    server = nodes().front;
    agent = await registerAgent(server, { redirect_uris: [CALLBACK], grant_types: GRANTS });
    browser = browserOf(server, await createPerson(server));
  });

  test.each(Object.entries(OF))('[S39] of %s is rotated once, and everybody goes on', async (_who, begin) => {
    const task = await begin(server, agent, browser);
    const answers = await atOnce(() => refresh(server, task, task.body.refresh_token));
    expect(tally(answers)).toEqual({ 200: RIVALS });

    const { families, generations, consumed } = await familyOf(server, task.taskId);
    expect(families.size).toBe(1);
    expect(generations[0]).toHaveLength(1);
    expect(generations[1]).toHaveLength(RIVALS);
    expect({ deeper: generations[2], consumed }).toEqual({ deeper: undefined, consumed: 1 });
    const events = await auditEvents(server, {
      event_type: 'token_refreshed',
      task_id: task.taskId,
      limit: '100',
    });
    const modes = Object.groupBy(events, (event: { details: { mode: string } }) => event.details.mode);
    expect([modes['rotation']?.length, modes['sibling']?.length]).toEqual([1, RIVALS - 1]);

    // Everybody's pair works, at every node, and goes on by itself.
    const access = answers.map(({ body }) => body.access_token as string);
    expect(new Set(access).size).toBe(RIVALS);
    await expectEach(nodes(), access, true);
    const next = await Promise.all(answers.map(({ body }) => refresh(server, task, body.refresh_token)));
    expect(tally(next)).toEqual({ 200: RIVALS });
    await expectEach(
      nodes(),
      next.map(({ body }) => body.access_token),
      true,
    );
  });

  test('[S39] one after the other within the window: each gets a pair of the same generation', async () => {
    const task = await open(server, agent);
    for (let i = 0; i < 3; i += 1) {
      const answer = await refresh(server, task, task.body.refresh_token);
      expect(answer.status).toBe(200);
      await expectEach(nodes(), [answer.body.access_token], true);
      server.clock.advance(GRACE_SECONDS / 4);
    }
    const { generations } = await familyOf(server, task.taskId);
    expect(generations[1]).toHaveLength(3);
  });

  test('[S15] all too late: the family ends, every token of it, and it is on record', async () => {
    const task = await open(server, agent);
    const inTime = await atOnce(() => refresh(server, task, task.body.refresh_token), 8);
    server.clock.advance(GRACE_SECONDS + 1);
    const late = await atOnce(() => refresh(server, task, task.body.refresh_token));
    expect(tally(late)).toEqual({ '400 invalid_grant': RIVALS });
    await expectEach(nodes(), [task.token, ...inTime.map(({ body }) => body.access_token)], false);
    const heirs = await Promise.all(inTime.map(({ body }) => refresh(server, task, body.refresh_token)));
    expect(tally(heirs)).toEqual({ '400 invalid_grant': heirs.length });
    const events = await auditEvents(server, { event_type: 'token_replayed', task_id: task.taskId });
    expect(events.length).toBeGreaterThan(0);
    expect(events[0]).toMatchObject({ status: 'refused', client_id: agent.clientId });
  });

  test('rotations of one family by many, again and again, lose nobody', async () => {
    const task = await open(server, agent);
    let mine = Array.from({ length: 8 }, () => task.body.refresh_token as string);
    for (let round = 0; round < 4; round += 1) {
      const answers = await Promise.all(mine.map((token) => refresh(server, task, token)));
      expect(tally(answers)).toEqual({ 200: 8 });
      mine = answers.map(({ body }) => body.refresh_token);
    }
    await expectEach(nodes(), mine, true);
  });
});

onEveryDatabase(
  'a refresh token that is used by many at once, without a grace time',
  (nodes) => {
    let server: TestServer;
    let agent: AgentParty;
    beforeAll(async () => {
      server = nodes().front;
      agent = await registerAgent(server, { grant_types: GRANTS.slice(1) });
    });

    test('[S15] is rotated once; the others are replays, which end the family', async () => {
      const task = await open(server, agent);
      const answers = await atOnce(() => refresh(server, task, task.body.refresh_token));
      expect(tally(answers)).toEqual({ 200: 1, '400 invalid_grant': RIVALS - 1 });
      const { body } = winner(answers);
      await expectEach(nodes(), [task.token, body.access_token, body.refresh_token], false);
      expect((await refresh(server, task, body.refresh_token)).body.error).toBe('invalid_grant');
      const { generations } = await familyOf(server, task.taskId);
      expect(generations[1]).toHaveLength(1);
      const events = await auditEvents(server, { event_type: 'token_replayed', task_id: task.taskId });
      expect(events.length).toBeGreaterThan(0);
      const refreshed = { event_type: 'token_refreshed', task_id: task.taskId };
      expect(await auditEvents(server, refreshed)).toHaveLength(1);
    });

    test('goes on when nobody repeats it', async () => {
      const task = await open(server, agent);
      let token = task.body.refresh_token as string;
      for (let i = 0; i < 3; i += 1) {
        const answer = await refresh(server, task, token);
        expect(answer.status).toBe(200);
        token = answer.body.refresh_token;
      }
      await expectEach(nodes(), [token], true);
    });
  },
  { env: { REFRESH_GRACE: '0' } },
);
