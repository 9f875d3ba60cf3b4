import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { forExpress, forNode, type Guard, protect } from '@taskgrant/sdk/resource';
import { AUDIENCE, claimsOf, fakeIssuer, ISSUER } from './fake-issuer.ts';

/** Requests that a program gave up, and answered, while their tokens were looked at. */
type Front = (guard: Guard, work: () => void, failed: (error: unknown) => void) => Listener;
type Listener = (request: IncomingMessage, response: ServerResponse) => void;

const FRONTS: [string, Front][] = [
  [
    'Express',
    (guard, work, failed) => (request, response) =>
      forExpress(guard)(request, response, (error) => (error === undefined ? work() : failed(error))),
  ],
  ['node:http', (guard, work) => forNode(guard, work)],
];

let answerIssuer: () => void;
let asked: Promise<void>;
let guard: Guard;
let done: string[];

beforeEach(() => {
  const gate = Promise.withResolvers<void>();
  const question = Promise.withResolvers<void>();
  [answerIssuer, asked, done] = [gate.resolve, question.promise, []];
  const issuer = fakeIssuer();
  issuer.introspected = { active: true, ...claimsOf() };
  guard = protect({
    issuer: ISSUER,
    audience: AUDIENCE,
    mode: 'introspection',
    credentials: { clientId: 'rs_api', clientSecret: 'secret' },
    async fetch(input, init) {
      question.resolve();
      await gate.promise;
      return issuer.fetch(input, init);
    },
  });
});
afterEach(() => guard.close());

/** Answers 504 while the guard waits, and tells what came of it. */
async function outcome(front: Front, needs: Guard): Promise<[number, string, string[]]> {
  const handled = Promise.withResolvers<void>();
  const { handle } = needs;
  const watched = { ...needs, handle: (request: never) => handle(request).finally(() => handled.resolve()) };
  const listener = front(
    watched,
    () => void done.push('worked'),
    (error) => void done.push(String(error)),
  );
  const server = createServer((request, response) => {
    listener(request, response);
    void asked.then(() => response.writeHead(504).end('given up'));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const answer = await fetch(`http://127.0.0.1:${port}/`, { headers: { authorization: 'Bearer opaque' } });
  answerIssuer();
  await handled.promise;
  await new Promise((resolve) => setImmediate(resolve));
  server.closeAllConnections();
  server.close();
  return [answer.status, await answer.text(), done];
}

describe.each(FRONTS)('behind %s', (_name, front) => {
  test('what may go on is not carried out: its client was told otherwise', async () => {
    expect(await outcome(front, guard)).toEqual([504, 'given up', []]);
  });

  test('what must be refused is not answered twice', async () => {
    const answer = await outcome(front, guard.requiring({ scope: 'reports:write' }));
    expect(answer).toEqual([504, 'given up', []]);
  });
});
