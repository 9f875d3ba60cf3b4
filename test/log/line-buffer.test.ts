import { setTimeout as pause } from 'node:timers/promises';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { LineBuffer } from '../../src/log/line-buffer.ts';

const MIB = 1024 * 1024;

/** A destination that remembers each write; while `isSlow`, nothing arrives. */
class Memory {
  readonly writes: string[] = [];
  isSlow = false;
  writableLength = 0;

  write(text: string): void {
    this.writes.push(text);
    if (this.isSlow) this.writableLength += text.length;
  }

  catchUp(): void {
    this.isSlow = false;
    this.writableLength = 0;
  }
}

let memory: Memory;
let dropped: number;
let buffer: LineBuffer;

beforeEach(() => {
  memory = new Memory();
  dropped = 0;
  buffer = new LineBuffer(memory, () => {
    dropped += 1;
  });
});

async function until(condition: () => boolean): Promise<void> {
  for (let turn = 0; turn < 500 && !condition(); turn += 1) await pause(10);
  expect(condition()).toBe(true);
}

describe('lines on their way', () => {
  test('go at once when none went just before', async () => {
    buffer.add('one');
    expect(memory.writes).toEqual(['one\n']);
    await pause(50);
    buffer.add('two');
    expect(memory.writes).toEqual(['one\n', 'two\n']);
  });

  test('go together, in order and by themselves, when they follow each other', async () => {
    for (const line of ['one', 'two', 'three']) buffer.add(line);
    expect(memory.writes).toEqual(['one\n']);
    await until(() => memory.writes.length > 1);
    expect(memory.writes).toEqual(['one\n', 'two\nthree\n']);
  });

  test('do not wait for a turn of the event loop when many come in one', () => {
    const line = 'x'.repeat(999);
    for (let n = 0; n < 1_000; n += 1) buffer.add(line);
    const written = memory.writes.join('').length;
    expect(written).toBeGreaterThan(900_000);
    expect(memory.writes.length).toBeLessThan(20);
    expect(written + buffer.take().length).toBe(1_000_000);
  });

  test('wait while an earlier write is under way, and go when it has arrived', async () => {
    memory.isSlow = true;
    buffer.add('one');
    buffer.add('two');
    await pause(50);
    expect(memory.writes).toEqual(['one\n']);
    memory.catchUp();
    await until(() => memory.writes.length > 1);
    expect(memory.writes).toEqual(['one\n', 'two\n']);
  });

  test('are dropped, and each told, when more than 16 MiB wait; later ones are taken again', () => {
    memory.isSlow = true;
    const line = 'x'.repeat(MIB - 1);
    for (let n = 0; n < 20; n += 1) buffer.add(line);
    expect(dropped).toBeGreaterThanOrEqual(3);
    const waiting = 20 - dropped - 1;
    memory.catchUp();
    buffer.add('after');
    expect(buffer.take()).toBe('after\n');
    expect(memory.writes.join('').length).toBe((waiting + 1) * MIB);
  });

  test('can be taken back, and are then not written a second time', async () => {
    for (const line of ['one', 'two', 'three']) buffer.add(line);
    expect(buffer.take()).toBe('two\nthree\n');
    expect(buffer.take()).toBe('');
    await pause(50);
    expect(memory.writes).toEqual(['one\n']);
  });

  test('are handed over at the end even to a destination that is busy', () => {
    memory.isSlow = true;
    buffer.add('one');
    buffer.add('two');
    buffer.end();
    buffer.end();
    expect(memory.writes).toEqual(['one\n', 'two\n']);
  });
});
