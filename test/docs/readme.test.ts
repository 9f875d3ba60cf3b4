import { spawn } from 'node:child_process';
import { dirname } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type StartedServer, startServer } from '../../examples/demo/server.ts';
import { freePort } from '../support/free-port.ts';
import { blocksOf, printed, readDocument, ROOT } from './markdown.ts';

const EMAIL = 'admin@localhost';
const PASSWORD = 'correct horse battery staple';
const BLOCKS = blocksOf(readDocument('README.md'), 'bash');
/** Stands between the outputs of two blocks. */
const MARK = '\u001e';

interface Output {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** One bash, as a reader would have it open, that stops at the first command that fails. */
async function runInBash(script: string, env: Record<string, string>): Promise<Output> {
  const child = spawn('bash', ['-euo', 'pipefail'], { cwd: ROOT, env, stdio: ['pipe', 'pipe', 'pipe'] });
  const output = { stdout: '', stderr: '' };
  child.stdout.on('data', (text) => (output.stdout += String(text)));
  child.stderr.on('data', (text) => (output.stderr += String(text)));
  child.stdin.end(script);
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, ...output };
}

describe('the README', () => {
  let server: StartedServer | undefined;
  let outputs: string[];
  let run: Output;

  beforeAll(async () => {
    server = await startServer({ ADMIN_PASSWORD: PASSWORD });
    // Braces: bash reads its script from standard input, which the commands of a block must not swallow.
    const script = BLOCKS.map(({ code }) => `{\n${code}\n} </dev/null\nprintf '${MARK}'`).join('\n');
    run = await runInBash(script, {
      PATH: `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}`,
      HOME: server.directory,
      DATA_DIR: server.directory,
      ISSUER: server.issuer,
      ADMIN_SECRET: server.adminSecret,
      EMAIL,
      PASSWORD,
      HOOK_PORT: String(await freePort()),
    });
    outputs = run.stdout.split(MARK);
  }, 90_000);

  afterAll(() => server?.stop());

  test('holds every flow', () => {
    expect(BLOCKS.length).toBeGreaterThanOrEqual(20);
    expect(BLOCKS.filter(({ prints }) => prints.length === 0)).toHaveLength(1);
  });

  test.each(BLOCKS.map((block, i) => [block.line, block, i] as const))(
    'runs in bash as it stands: line %i',
    (_, { prints }, i) => {
      const reached = outputs.length - 1;
      if (i >= reached) throw new Error(`stopped in block ${reached + 1}:\n${outputs.at(-1)}\n${run.stderr}`);
      expect(outputs[i]).toMatch(printed(prints));
    },
  );

  test('ends well', () => {
    expect(run.code).toBe(0);
  });
});
