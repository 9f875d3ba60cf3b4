import { spawn } from 'node:child_process';
import { dirname } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type StartedServer, startServer } from '../../examples/demo/server.ts';
import { freePort } from '../support/free-port.ts';
import { blocksOf, printed, readDocument, ROOT } from './markdown.ts';

const EMAIL = 'admin@localhost';
const PASSWORD = 'correct horse battery staple';
const BLOCKS = blocksOf(readDocument('README.md'), 'bash');
const EVENTS = readDocument('docs/audit-events.md');
const TRAIL = 'npm run --silent taskgrant -- audit search --json --limit 200';
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

/** What the catalogue says that `details` of an event may hold, besides what every refusal does. */
function detailsOf(type: string): string[] {
  const [, cell = ''] = new RegExp(`^\\| \`${type}\` \\|.*\\| (.*) \\|$`, 'm').exec(EVENTS) ?? [];
  const [, other] = /\bas `(\w+)`/.exec(cell) ?? [];
  return [...namesIn(cell), ...(other === undefined ? [] : detailsOf(other))];
}
const namesIn = (text: string) => [...text.matchAll(/`(\w+)`/g)].map(([, name = '']) => name);
const OF_REFUSALS = namesIn(/^A refusal tells[^]*?\n\n/m.exec(EVENTS)?.[0] ?? '');

interface LoggedEvent {
  readonly event_type: string;
  readonly status: string;
  readonly details: object;
}

describe('the README', () => {
  let server: StartedServer | undefined;
  let outputs: string[];
  let run: Output;

  beforeAll(async () => {
    server = await startServer({ ADMIN_PASSWORD: PASSWORD });
    // Braces: bash reads its script from standard input, which the commands of a block must not swallow.
    const script = BLOCKS.map(({ code }) => `{\n${code}\n} </dev/null\nprintf '${MARK}'`).join('\n');
    run = await runInBash(`${script}\n${TRAIL}`, {
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

  test('leaves nothing in the audit trail that the catalogue of events does not describe', () => {
    const { logs } = JSON.parse(outputs[BLOCKS.length] ?? '') as { logs: LoggedEvent[] };
    expect(logs.length).toBeGreaterThan(50);
    const undescribed = logs.flatMap(({ event_type: type, status, details }) => {
      const known = [...detailsOf(type), ...(status === 'success' ? [] : OF_REFUSALS)];
      return Object.keys(details)
        .filter((name) => !known.includes(name))
        .map((name) => `${type} ${name}`);
    });
    expect([...new Set(undescribed)]).toEqual([]);
  });

  test('ends well', () => {
    expect(run.code).toBe(0);
  });
});
