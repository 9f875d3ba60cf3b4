import { spawn } from 'node:child_process';
import { expect } from '@jest/globals';
import { blocksOf, printed, readDocument, ROOT } from '../docs/markdown.ts';
import { ADMIN_CLIENT_SECRET, type RunningServer } from '../support/server.ts';

/** No example may keep its reader longer. */
const MOST_MS = 20_000;

/** Where an example plays; absent = at the throw-away server that it starts itself. */
type Where = Pick<RunningServer, 'issuer'> | undefined;

/**
 * Runs the commands of an example's README as they stand, and holds what they print against it.
 * @returns all that was printed
 */
export async function runReadme(example: string, where?: Where): Promise<string> {
  const blocks = blocksOf(readDocument(`examples/${example}/README.md`), 'bash');
  expect(blocks).toHaveLength(1);
  const [{ code, prints } = { code: '', prints: [] }] = blocks;
  expect(prints.length).toBeGreaterThan(0);
  const run = await inBash(code, where ? { ISSUER: where.issuer, ADMIN_CLIENT_SECRET } : {});
  // What it complained of is shown when something is wrong.
  expect({ ended: run.code, complaint: run.stderr }).toEqual({ ended: 0, complaint: '' });
  expect(run.stdout).toMatch(printed(prints));
  return run.stdout;
}

async function inBash(script: string, env: Record<string, string>) {
  const child = spawn('bash', ['-euo', 'pipefail', '-c', script], {
    cwd: ROOT,
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: MOST_MS,
  });
  const output = { stdout: '', stderr: '' };
  child.stdout.on('data', (text) => (output.stdout += String(text)));
  child.stderr.on('data', (text) => (output.stderr += String(text)));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, ...output };
}
