import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { build, stop } from 'esbuild';
import { type AgentParty, asAdmin, registerAgent } from '../../../test/support/parties.ts';
import { startServer, type TestServer } from '../../../test/support/server.ts';

/** The agent client where there is no Node: only what the web platform has. */
let server: TestServer;
let party: AgentParty;
let helper: AgentParty;

beforeAll(async () => {
  server = await startServer();
  [party, helper] = await Promise.all([registerAgent(server), registerAgent(server)]);
});
afterAll(() => Promise.all([server.stop(), stop()]));

async function evaluate(program: string): Promise<Record<string, unknown>> {
  const { outputFiles } = await build({
    stdin: { contents: program, resolveDir: fileURLToPath(new URL('../..', import.meta.url)), loader: 'ts' },
    bundle: true,
    format: 'iife',
    globalName: 'program',
    target: 'es2022',
    platform: 'neutral',
    write: false,
  });
  return inEdgeRuntime(outputFiles[0]?.text ?? '');
}

/** In a process of its own: the runtime's network keeps its connections open for a while. */
const RUNNER = fileURLToPath(new URL('../support/edge-runner.ts', import.meta.url));

async function inEdgeRuntime(program: string): Promise<Record<string, unknown>> {
  const child = spawn(process.execPath, [RUNNER], { timeout: 15_000 });
  child.stdin.end(program);
  const [told, complaint] = await Promise.all([text(child.stdout), text(child.stderr)]);
  if (told === '') throw new Error(complaint);
  return JSON.parse(told) as Record<string, unknown>;
}

test('opens, calls, derives, hands off and completes, with proofs, in an edge runtime', async () => {
  const options = (one: AgentParty) =>
    JSON.stringify({
      issuer: server.issuer,
      clientId: one.clientId,
      clientSecret: one.clientSecret,
      dpop: true,
    });
  const told = await evaluate(`
    import { createAgent, currentTask } from './src/agent/edge.ts';
    export async function main() {
      const agent = createAgent(${options(party)});
      const other = createAgent(${options(helper)});
      return agent.task({ delegates: ['${helper.clientId}'], scope: 'example:read' }, async (task) => {
        const response = await task.fetch('${server.issuer}/api/oauth/protected');
        const child = await task.child({}, (child) => child.parentId);
        const accepted = await other.accept(await task.delegate('${helper.clientId}'));
        await accepted.complete();
        return { id: task.id, status: response.status, child, accepted: accepted.id, current: currentTask() === undefined };
      });
    }`);
  expect(told).toMatchObject({ status: 200, child: told['id'], current: true });
  for (const id of [told['id'], told['accepted']]) {
    expect((await asAdmin(server, 'GET', `/api/tasks/${String(id)}`)).body.state).toBe('completed');
  }
});

test('administers from an edge runtime', async () => {
  const { ADMIN_CLIENT, ADMIN_CLIENT_SECRET } = await import('../../../test/support/server.ts');
  const told = await evaluate(`
    import { createAdmin } from './src/admin/index.ts';
    export async function main() {
      const admin = createAdmin({ issuer: '${server.issuer}', clientId: '${ADMIN_CLIENT}', clientSecret: '${ADMIN_CLIENT_SECRET}' });
      const agents = await admin.agents.list().take(10);
      await admin.close();
      return { agents: agents.map(({ client_id: id }) => id) };
    }`);
  expect(told['agents']).toEqual(expect.arrayContaining([party.clientId, helper.clientId]));
});
