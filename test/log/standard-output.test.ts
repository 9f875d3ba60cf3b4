import { spawn } from 'node:child_process';
import { expect, jest, test } from '@jest/globals';
import { StandardOutput } from '../../src/log/standard-output.ts';

const CLOCK_CATCHES_UP_MS = 3_000;

test('a clock that is set back while nobody reads holds the end up for a second only', () => {
  const reader = spawn('sleep', ['30'], { stdio: ['pipe', 'ignore', 'ignore'] });
  const { fd } = (reader.stdin as unknown as { _handle: { fd: number } })._handle;
  const problems: Error[] = [];
  const output = new StandardOutput(fd, (problem) => problems.push(problem));
  for (let i = 0; i < 100 && output.writableLength === 0; i += 1) output.write(`${'x'.repeat(100_000)}\n`);
  const began = performance.now();
  const now = Date.now();
  let asked = 0;
  jest.spyOn(Date, 'now').mockImplementation(() => {
    asked += 1;
    const setBack = asked > 1 && performance.now() - began < CLOCK_CATCHES_UP_MS;
    return setBack ? now - 3_600_000 : now + performance.now() - began;
  });
  output.finish();
  const took = performance.now() - began;
  reader.kill();
  expect(problems).toHaveLength(1);
  expect(took).toBeLessThan(CLOCK_CATCHES_UP_MS - 500);
});
