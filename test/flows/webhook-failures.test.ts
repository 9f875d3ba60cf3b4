import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Webhook } from 'standardwebhooks';
import { withToken } from '../support/agent-auth.ts';
import { administer, type AgentParty, registerAgent } from '../support/parties.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { open } from '../support/token-requests.ts';
import { type Receiver, startReceiver, status } from '../support/webhook-receiver.ts';
import {
  type Ask,
  deliveriesOf,
  eventually,
  WEBHOOK_SETTINGS,
  webhookAt,
} from '../support/webhook-requests.ts';

let server: TestServer;

beforeAll(async () => {
  server = await startServer({ settings: WEBHOOK_SETTINGS });
});
afterAll(() => server.stop());

interface Cast {
  readonly receiver: Receiver;
  readonly agent: AgentParty;
  /** Asks with a token of the agent's own task. */
  readonly ask: Ask;
  /** Makes a webhook of the agent at the receiver. */
  hook(events: readonly string[]): Promise<{ id: string; secret: string }>;
}

/**
 * Most stories here wait for pauses between attempts, and they do so side by side: each has an agent, a receiver and
 * webhooks of its own, and none looks at another's.
 */
function story(tell: (cast: Cast) => Promise<void>): () => Promise<void> {
  return async () => {
    const receiver = await startReceiver();
    try {
      const agent = await registerAgent(server);
      const { token } = await open(server, agent);
      const ask: Ask = (method, path, body) => withToken(server, token, method, path, body);
      const hook = (events: readonly string[]) => webhookAt(ask, receiver.url, events);
      await tell({ receiver, agent, ask, hook });
      const { webhooks } = (await ask('GET', '/webhooks')).body;
      for (const { id } of webhooks) expect((await ask('DELETE', `/webhooks/${id}`)).status).toBe(204);
    } finally {
      await receiver.close();
    }
  };
}

describe('a receiver that fails', () => {
  test.concurrent(
    'gets the same again with the same id, before anything later of the same agent',
    story(async ({ receiver, agent, hook }) => {
      receiver.answer((_request, response, nth) => void response.writeHead(nth <= 2 ? 503 : 200).end('ok'));
      const { id, secret } = await hook(['task.opened']);
      const first = await open(server, agent);
      const second = await open(server, agent);
      const all = await receiver.until(4);
      expect(all.map(({ body }) => body.data.task_id)).toEqual([
        first.taskId,
        first.taskId,
        first.taskId,
        second.taskId,
      ]);
      expect(new Set(all.slice(0, 3).map(({ headers }) => headers['webhook-id'])).size).toBe(1);
      expect(new Set(all.map(({ text }) => text)).size).toBe(2);
      for (const one of all) {
        expect(new Webhook(secret).verify(one.text, one.headers as Record<string, string>)).toEqual(one.body);
      }
      const log = await eventually(
        () => deliveriesOf(server, id),
        (rows) => rows.every(({ state }) => state === 'delivered'),
      );
      expect(log.map(({ attempts }) => attempts)).toEqual([1, 3]);
    }),
  );

  test.concurrent(
    'is waited for as long as it asks',
    story(async ({ receiver, agent, hook }) => {
      receiver.answer((_request, response, nth) =>
        nth === 1
          ? void response.writeHead(429, { 'retry-after': '3' }).end()
          : void response.writeHead(204).end(),
      );
      await hook(['task.opened']);
      await open(server, agent);
      const [first, second] = await receiver.until(2);
      expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThanOrEqual(2900);
    }),
  );

  test.concurrent(
    'is given up, visibly, and can be tried again; the webhook is disabled and enabled',
    story(async ({ receiver, agent, ask, hook }) => {
      receiver.answer(status(500, {}, 'out of order, password=hunter2hunter2'));
      const { id } = await hook(['task.opened']);
      await open(server, agent);
      await open(server, agent);
      const webhook = await eventually(
        async () => (await ask('GET', `/api/webhooks/${id}`)).body,
        ({ enabled }) => !enabled,
      );
      expect(webhook).toMatchObject({
        disabled_reason: '2 deliveries in a row were given up',
        consecutive_failures: 2,
      });
      const dead = await deliveriesOf(server, id, '?state=dead');
      expect(dead).toHaveLength(2);
      expect(dead[0]).toMatchObject({ attempts: 4, response_status: 500, error: 'answered 500' });
      expect(dead[0]?.['response_excerpt']).toContain('out of order');
      expect(dead[0]?.['response_excerpt']).not.toContain('hunter2');
      const { logs } = await administer(
        server,
        'GET',
        `/api/admin/audit/logs?event_type=webhook_disabled&client_id=${agent.clientId}`,
      );
      expect(logs[0]).toMatchObject({
        actor: 'system',
        client_id: agent.clientId,
        details: { webhook_id: id },
      });

      const path = `/api/webhooks/${id}/deliveries/${String(dead[0]?.['id'])}/redeliver`;
      expect(await ask('POST', path)).toMatchObject({ status: 409, body: { code: 'conflict' } });
      expect(await ask('POST', `/api/webhooks/${id}/enable`)).toMatchObject({
        status: 200,
        body: { enabled: true, consecutive_failures: 0, disabled_reason: null },
      });
      receiver.answer(status(200));
      const before = receiver.received.length;
      expect(await ask('POST', path)).toMatchObject({ status: 202, body: { state: 'pending', attempts: 0 } });
      await receiver.until(before + 1);
      expect(receiver.received.at(-1)?.headers['webhook-id']).toBe(dead[0]?.['id']);
      await eventually(
        () => deliveriesOf(server, id, '?state=dead'),
        (rows) => rows.length === 1,
      );
    }),
  );

  test.concurrent(
    'says 410 and is left alone',
    story(async ({ receiver, agent, ask, hook }) => {
      receiver.answer(status(410));
      const { id } = await hook(['task.opened']);
      await open(server, agent);
      const webhook = await eventually(
        async () => (await ask('GET', `/webhooks/${id}`)).body,
        ({ enabled }) => !enabled,
      );
      expect(webhook.disabled_reason).toBe('the receiver answered 410 Gone');
      await open(server, agent);
      expect(receiver.received).toHaveLength(1);
    }),
  );

  test.concurrent(
    'says 410 where the webhook is no longer: it goes on at its new URL',
    story(async ({ receiver, agent, ask, hook }) => {
      let goAway = () => {};
      receiver.answer(({ path }, response) => {
        if (path === '/hook') goAway = () => void response.writeHead(410).end();
        else response.writeHead(204).end();
      });
      const { id } = await hook(['task.opened']);
      await open(server, agent);
      await receiver.until(1);
      const url = receiver.url.replace('/hook', '/moved');
      expect((await ask('PATCH', `/webhooks/${id}`, { url })).status).toBe(200);
      goAway();
      await eventually(
        () => deliveriesOf(server, id),
        ([row]) => row?.['state'] === 'dead',
      );
      const later = [await open(server, agent), await open(server, agent)];
      const [, ...moved] = await receiver.until(3);
      expect(moved.map(({ body }) => body.data.task_id)).toEqual(later.map(({ taskId }) => taskId));
      expect((await ask('GET', `/webhooks/${id}`)).body).toMatchObject({ enabled: true, url });
    }),
  );

  test.concurrent.each([
    ['redirects', 'answered 302: redirects are not followed', 302],
    ['closes the connection', 'could not be reached: ECONNRESET', null],
    ['stalls', 'no complete answer within 2 seconds', null],
  ])('%s: that is a failure, and it is tried again', (how, error, code) =>
    story(async ({ receiver, agent, hook }) => {
      receiver.answer((_request, response, nth) => {
        if (nth > 1) return void response.writeHead(204).end();
        if (how === 'redirects') return void response.writeHead(302, { location: '/elsewhere' }).end();
        if (how === 'closes the connection') return void response.destroy();
        return undefined;
      });
      const { id } = await hook(['task.opened']);
      await open(server, agent);
      await eventually(
        () => deliveriesOf(server, id),
        ([row]) => row?.['error'] === error && row['response_status'] === code,
      );
      await receiver.until(2);
      expect(receiver.received.map(({ path }) => path)).toEqual(['/hook', '/hook']);
    })(),
  );

  test.concurrent(
    'answers without end: the status counts, and what is kept is short',
    story(async ({ receiver, agent, hook }) => {
      let written = 0;
      receiver.answer((_request, response) => {
        response.writeHead(200);
        const more = () => {
          while (!response.destroyed && response.write('x'.repeat(16_384))) written += 16_384;
        };
        response.on('drain', more);
        more();
      });
      const { id } = await hook(['task.opened']);
      await open(server, agent);
      const [row] = await eventually(
        () => deliveriesOf(server, id),
        ([one]) => one?.['state'] === 'delivered',
      );
      expect(String(row?.['response_excerpt'])).toMatch(/^x{1024}$/);
      // Socket buffers on both sides hold a few megabytes.
      expect(written).toBeLessThan(32 * 1_048_576);
    }),
  );
});
