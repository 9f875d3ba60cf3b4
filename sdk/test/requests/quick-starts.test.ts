import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { freePort } from '../../../test/support/free-port.ts';
import { pair } from './parties.ts';

const SDK = fileURLToPath(new URL('../../', import.meta.url));
const document = await readFile(join(SDK, 'docs/requests.md'), 'utf8');
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'taskgrant-quick-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

function start(name: string, env: Record<string, string>) {
  const child = spawn(
    process.execPath,
    ['--conditions=taskgrant-source', join(SDK, 'examples', `${name}.ts`)],
    {
      cwd: folder,
      env: { PATH: process.env['PATH'] ?? '', NO_COLOR: '1', ...env },
      timeout: 15_000,
    },
  );
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  return { child, ended };
}

async function run(name: string, env: Record<string, string> = {}): Promise<string> {
  const { child, ended } = start(name, env);
  const [printed, complaint, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  if (code !== 0) throw new Error(`${name} failed:\n${printed}\n${complaint}`);
  return printed;
}

describe('the quick starts of the document', () => {
  test('an agent and its orchestrator, with both profiles', async () => {
    const { privateKey, publicKey } = pair();
    await writeFile(join(folder, 'orchestrator.pem'), publicKey);
    await writeFile(join(folder, 'key.pem'), privateKey);
    const port = String(await freePort());
    const { child, ended } = start('signed-agent', { PORT: port, KEYS_DIR: folder });
    try {
      await new Promise((resolve) => child.stdout.once('data', resolve));
      const printed = await run('signed-orchestrator', {
        AGENT_URL: `http://localhost:${port}/agent`,
        KEY_FILE: 'key.pem',
      });
      expect(printed).toMatch(/200 \{[^]*Hello orchestrator, your signature is good/);
      expect(printed).toMatch(/200 \{[^]*Hello orchestrator, your token is good/);
      expect((await fetch(`http://localhost:${port}/agent`, { method: 'POST' })).status).toBe(401);
    } finally {
      child.kill();
      await ended;
    }
  });

  test('tokens between two agents', async () => {
    expect(await run('inter-agent')).toBe('orchestrator calls vision, for 300 seconds\n');
  });

  test('a shared secret', async () => {
    const secret = { AGENT_AUTH_SECRET: 'f'.repeat(64) };
    expect(await run('shared-secret', secret)).toBe('orchestrator calls vision\nInvalid token\n');
    await expect(run('shared-secret')).rejects.toThrow('AGENT_AUTH_SECRET not set');
  });

  test('a server for tests', async () => {
    expect(await run('test-server', { TASKGRANT_DIR: join(SDK, '..') })).toBe('true\n');
  });

  test('stand there as they are run', async () => {
    const blocks = [...document.matchAll(/<!-- (examples\/[\w-]+\.ts) -->\n```ts\n([^]*?)```/g)];
    expect(blocks).toHaveLength(5);
    expect(document.match(/^```ts$/gm)).toHaveLength(5);
    for (const [, file = '', block] of blocks) expect(block).toBe(await readFile(join(SDK, file), 'utf8'));
  });
});
