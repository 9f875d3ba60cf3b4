import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { withToken } from '../support/agent-auth.ts';
import { removeWebhooks } from '../support/remove-webhooks.ts';
import { send } from '../support/requests.ts';
import { startServer, type TestServer } from '../support/server.ts';
import {
  type Answers,
  type Cast,
  castOf,
  declaredRoutes,
  plainRoute,
  WHO,
  type Who,
} from '../support/who-asks.ts';

/** Another agent does not learn that the webhook exists; a part of an agent's work has no business with it. */
const SEEN: Answers = [401, 404, 403, 200, 200, 200];
/** Reading is not enough to change anything. */
const OWN: Answers = [401, 404, 403, 200, 404, 200];

interface Route {
  readonly body?: object;
  readonly answers: Answers;
}

const URL_AND_EVENTS = { url: 'https://hooks.example.com/', events: ['task.*'] };

/** INVARIANT: every route under /webhooks stands here. `:id` is a webhook of the agent of `self`, `:delivery` its. */
const ROUTES: Record<string, Route> = {
  'GET /webhooks': { answers: [401, 200, 403, 200, 200, 200] },
  // With admin:read, a webhook of the administrator's client as the agent that it is too.
  'POST /webhooks': { body: URL_AND_EVENTS, answers: [401, 201, 403, 201, 201, 201] },
  'GET /webhooks/events': { answers: [200, 200, 200, 200, 200, 200] },
  'GET /webhooks/:id': { answers: SEEN },
  'PATCH /webhooks/:id': { body: { events: ['*'] }, answers: OWN },
  'PUT /webhooks/:id': { body: URL_AND_EVENTS, answers: OWN },
  'DELETE /webhooks/:id': { answers: [401, 404, 403, 204, 404, 204] },
  'POST /webhooks/:id/enable': { body: {}, answers: OWN },
  'POST /webhooks/:id/disable': { body: {}, answers: OWN },
  'POST /webhooks/:id/regenerate-secret': { body: {}, answers: OWN },
  'POST /webhooks/:id/test': { answers: [401, 404, 403, 202, 404, 202] },
  'GET /webhooks/:id/deliveries': { answers: SEEN },
  'GET /webhooks/:id/deliveries/:delivery': { answers: SEEN },
  'POST /webhooks/:id/deliveries/:delivery/redeliver': { answers: [401, 404, 403, 202, 404, 202] },
};

let server: TestServer;

beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.stop());
afterEach(() => removeWebhooks(server));

interface Told extends Cast {
  readonly webhook: string;
  readonly delivery: string;
}

/** A webhook that the agent of `self` made, and that was told something. */
async function cast(): Promise<Told> {
  const made = await castOf(server);
  const own = (path: string, body?: object) => withToken(server, made.task.token, 'POST', path, body);
  const webhook = (await own('/webhooks', URL_AND_EVENTS)).body.webhook.id;
  const { id: delivery } = (await own(`/webhooks/${webhook}/test`)).body;
  return { ...made, webhook, delivery };
}

async function ask(route: string, { body }: Route, who: Who, { webhook, delivery, tokens }: Told) {
  const [method = '', pattern = ''] = route.split(' ');
  const path = pattern.replace(':id', webhook).replace(':delivery', delivery);
  const token = tokens[who];
  return token === undefined ? send(server, path, { method }) : withToken(server, token, method, path, body);
}

describe.each(Object.entries(ROUTES))('%s', (name, route) => {
  test.each(WHO.map((who, i) => [who, route.answers[i]]))('%s is answered %i', async (who, expected) => {
    const { status } = await ask(name, route, who as Who, await cast());
    expect(status).toBe(expected);
  });
});

test('every route of webhooks is in the table', async () => {
  const declared = await declaredRoutes(server, '/webhooks');
  const known = new Set(Object.keys(ROUTES).map(plainRoute));
  expect(declared).toHaveLength(2 * known.size);
  expect(declared.filter((route) => !known.has(plainRoute(route)))).toEqual([]);
});
