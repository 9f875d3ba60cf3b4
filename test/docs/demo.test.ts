import { spawn } from 'node:child_process';
import { expect, test } from '@jest/globals';
import { ROOT } from './markdown.ts';

async function demo(...args: string[]) {
  const child = spawn(process.execPath, ['examples/demo/main.ts', ...args], {
    cwd: ROOT,
    env: { PATH: process.env['PATH'] },
  });
  const output: string[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => output.push(String(text)));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, text: output.join('') };
}

test('the demonstration goes as it is told', async () => {
  const { code, text } = await demo();
  expect(text).toMatch(/Everything went as told/);
  expect(text).toMatch(/└─ checking-\w+ {2}Writer {2}active/);
  expect(text).toMatch(/checking-\w+ +access +\S+ +live +revoked +through its task/);
  expect(text).toMatch(/task_revoked +success +Planner +Ada changed her mind/);
  expect(code).toBe(0);
});

test('the demonstration fails loudly where it cannot play', async () => {
  const { code, text } = await demo('--issuer', 'http://127.0.0.1:9');
  expect(text).toMatch(/The demonstration failed: .*ADMIN_CLIENT_SECRET/);
  expect(code).toBe(1);
});
