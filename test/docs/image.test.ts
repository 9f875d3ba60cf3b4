import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { ROOT } from './markdown.ts';

const lines = (file: string) => readFileSync(join(ROOT, file), 'utf8').split('\n');

/** As Docker reads it: the last pattern that matches a path or a folder above it decides. */
function isSent(path: string): boolean {
  const folders = path.split('/').map((_, depth, parts) => parts.slice(0, depth + 1).join('/'));
  let sent = true;
  for (const pattern of lines('.dockerignore').filter((line) => line !== '' && !line.startsWith('#'))) {
    const negated = pattern.startsWith('!');
    if (folders.some((each) => patternOf(pattern.slice(negated ? 1 : 0)).test(each))) sent = negated;
  }
  return sent;
}

function patternOf(pattern: string): RegExp {
  const source = pattern
    .replace(/[.+^$()|[\]{}]/g, '\\$&')
    .replace(/\*\*\/|\*/g, (stars) => (stars === '*' ? '[^/]*' : '(?:.*/)?'));
  return new RegExp(`^${source}$`);
}

test('all that the image is made of is sent to its build, and no secrets', () => {
  const copied = lines('Dockerfile').flatMap((line) => /^COPY (.+) \S+$/.exec(line)?.[1]?.split(' ') ?? []);
  expect(copied.length).toBeGreaterThan(5);
  expect(copied.filter((path) => !isSent(path))).toEqual([]);
  expect(['src/main.ts', '.env', 'data/taskgrant.db', 'sdk/src/agent/index.ts'].filter(isSent)).toEqual([
    'src/main.ts',
  ]);
});

test('what Node makes of the sources is made by the user who runs the image', () => {
  const [, user] = /^USER (\S+)$/m.exec(lines('Dockerfile').join('\n')) ?? [];
  const warming = lines('Dockerfile').filter((line) => line.includes('node $NODE_ARGS'));
  expect(warming).toHaveLength(1);
  expect(warming[0]).toContain(`runuser -u ${user} -- node $NODE_ARGS src/runtime/compile.js`);
});
