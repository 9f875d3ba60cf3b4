import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { readEvents } from '../../src/resource/event-stream.ts';
import { createFreshness } from '../../src/resource/freshness.ts';

const bytes = (text: string) => new TextEncoder().encode(text);

function streamOf(chunks: readonly Uint8Array[]): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk);
      controller.close();
    },
  });
}

async function eventsOf(chunks: readonly Uint8Array[]) {
  const events = [];
  for await (const event of readEvents(streamOf(chunks))) events.push(event);
  return events;
}

describe('a stream of events', () => {
  test('is read alike however it is cut on the way (property)', async () => {
    const text =
      ': a comment\n\nid: 7\nevent: revocations\ndata: [[7,"task","ä€😀",0]]\n\r\nevent:head\r\ndata: {"head":7,\r\ndata: "at":1}\r\n\r\n' +
      'data: plain\n\nretry: 5\n\nevent: cut\ndata: off';
    const whole = await eventsOf([bytes(text)]);
    expect(whole).toEqual([
      { event: 'revocations', data: '[[7,"task","ä€😀",0]]' },
      { event: 'head', data: '{"head":7,\n"at":1}' },
      { event: 'message', data: 'plain' },
    ]);
    const all = bytes(text);
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(fc.nat(all.length), { maxLength: 40 }), async (cuts) => {
        const places = [0, ...cuts.toSorted((a, b) => a - b), all.length];
        const chunks = places.slice(1).map((end, i) => all.slice(places[i], end));
        expect(await eventsOf(chunks)).toEqual(whole);
      }),
    );
  });

  test('that grows one event without end is given up', async () => {
    const line = bytes('x'.repeat(1024 * 1024));
    await expect(eventsOf(Array.from({ length: 17 }, () => line))).rejects.toThrow('too long');
    const data = bytes(`data: ${'x'.repeat(1024 * 1024)}\n`);
    await expect(eventsOf(Array.from({ length: 17 }, () => data))).rejects.toThrow('too long');
  });
});

/** Times are milliseconds of two clocks that have nothing to do with each other. */
describe('how old knowledge is', () => {
  function scene() {
    const clock = { here: 1000 };
    return { clock, freshness: createFreshness(() => clock.here) };
  }

  test('counts from when a question was asked, not from when its answer came', () => {
    const { clock, freshness } = scene();
    expect(freshness.age()).toBe(Infinity);
    clock.here = 1500;
    freshness.provenBy(1000);
    expect(freshness.age()).toBe(500);
  });

  test('is not taken in by a stream that is held back on the way', () => {
    const { clock, freshness } = scene();
    freshness.streamBegan(1000);
    clock.here = 1100;
    freshness.provenAt(50_000);
    expect(freshness.age()).toBe(100);
    // Ten heads were said one second after the other, and come together after ten.
    clock.here = 11_000;
    freshness.provenAt(51_000);
    expect(freshness.age()).toBe(9000);
    freshness.provenAt(60_000);
    expect(freshness.age()).toBe(0);
  });

  test('is never in the future, nor younger after a clock went back', () => {
    const { clock, freshness } = scene();
    freshness.streamBegan(1000);
    clock.here = 1100;
    freshness.provenAt(50_000);
    freshness.provenAt(90_000);
    expect(freshness.age()).toBe(0);
    clock.here = 2100;
    freshness.provenAt(49_000);
    expect(freshness.age()).toBe(1000);
  });

  test('is at least the true age, whatever the delays (property)', () => {
    const delays = fc.array(fc.record({ wait: fc.nat(2000), delay: fc.nat(8000) }), {
      minLength: 1,
      maxLength: 20,
    });
    fc.assert(
      fc.property(delays, fc.integer({ min: -1e9, max: 1e9 }), (heads, skew) => {
        const { clock, freshness } = scene();
        freshness.streamBegan(clock.here);
        let said = clock.here;
        for (const { wait, delay } of heads) {
          said += wait;
          // In order, and never before it was said.
          clock.here = Math.max(clock.here, said + delay);
          freshness.provenAt(said + skew);
          expect(freshness.age()).toBeGreaterThanOrEqual(clock.here - said);
        }
      }),
    );
  });
});
