import { once } from 'node:events';
import { Writable } from 'node:stream';
import { setTimeout } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { eventStream, type ServerSentEvent } from '../../src/http/event-stream.ts';

test('events are written as the standard says', async () => {
  async function* events(): AsyncGenerator<ServerSentEvent> {
    yield { id: 7, event: 'revocations', data: '[[7,"task","h",0]]' };
    yield { event: 'head', data: '{"head":7}' };
  }
  const text = (await eventStream(events()).toArray()).join('');
  expect(text).toBe(
    'retry: 1000\n\nid: 7\nevent: revocations\ndata: [[7,"task","h",0]]\n\nevent: head\ndata: {"head":7}\n\n',
  );
});

test('a client that takes nothing is asked for nothing more, and cut after a while', async () => {
  let made = 0;
  let ended = false;
  async function* events(): AsyncGenerator<ServerSentEvent> {
    try {
      for (;;) {
        made += 1;
        yield { event: 'revocations', data: 'x'.repeat(1000) };
        await setTimeout(0);
      }
    } finally {
      ended = true;
    }
  }
  const stream = eventStream(events(), 200);
  const stuck = new Writable({ highWaterMark: 4096, write: () => {} });
  stream.pipe(stuck);
  await once(stream, 'close');
  // What fits into the buffers of both sides, and no more.
  expect(made).toBeLessThan(40);
  await setTimeout(50);
  expect(ended).toBe(true);
  const asked = made;
  await setTimeout(50);
  expect(made).toBe(asked);
});

test('a slow client that goes on taking is not cut', async () => {
  async function* events(): AsyncGenerator<ServerSentEvent> {
    for (let i = 0; i < 60; i += 1) yield { event: 'revocations', data: 'x'.repeat(1000) };
  }
  const stream = eventStream(events(), 200);
  let taken = 0;
  const slow = new Writable({
    highWaterMark: 1024,
    write(chunk: Buffer, _encoding, done) {
      taken += chunk.length;
      void setTimeout(10).then(() => done());
    },
  });
  stream.pipe(slow);
  await once(slow, 'finish');
  expect(taken).toBeGreaterThan(60_000);
});
