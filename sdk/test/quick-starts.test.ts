import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createAgent } from '@taskgrant/sdk/agent';
import { browserOf } from '../../test/support/browser-session.ts';
import { administer, type AgentParty, createPerson, registerAgent } from '../../test/support/parties.ts';
import { ADMIN_CLIENT_SECRET, startServer, type TestServer } from '../../test/support/server.ts';

/** The quick starts of the documents, run as they stand there, against the real server. */
let server: TestServer;
let orchestrator: AgentParty;
let worker: AgentParty;

beforeAll(async () => {
  const registration = { defaultPermissions: ['zendesk:tickets:read', 'reports:read'] };
  server = await startServer({ settings: { registration } });
  [orchestrator, worker] = await Promise.all([registerAgent(server), registerAgent(server)]);
});
afterAll(() => server.stop());

/** Runs a quick start in a process of its own. @returns what it printed. @throws Error when it fails. */
async function run(
  name: string,
  env: Record<string, string> = {},
  onLine: (line: string) => void = () => undefined,
): Promise<string> {
  const file = fileURLToPath(new URL(`../examples/${name}.ts`, import.meta.url));
  const child = spawn(process.execPath, ['--conditions=taskgrant-source', file], {
    env: { ...process.env, ISSUER: server.issuer, NODE_OPTIONS: '', NO_COLOR: '1', ...env },
    timeout: 15_000,
  });
  createInterface(child.stdout).on('line', onLine);
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  const [printed, complaint, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  if (code !== 0) throw new Error(`${name} failed:\n${printed}\n${complaint}`);
  return printed;
}

const asOrchestrator = () => ({ CLIENT_ID: orchestrator.clientId, CLIENT_SECRET: orchestrator.clientSecret });
const tasksOf = async ({ clientId }: AgentParty, state: string) =>
  (await administer(server, 'GET', `/api/admin/tasks?client_id=${clientId}&state=${state}`)).tasks;

describe('a quick start', () => {
  test('agent.ts: a task, a call, and the end of it', async () => {
    expect(await run('agent', asOrchestrator())).toContain('The token was accepted for this task.');
    expect((await tasksOf(orchestrator, 'completed'))[0]).toMatchObject({
      description: 'Summarise the notes',
    });
  });

  test('tool-calls.ts: tools that find their task', async () => {
    const printed = await run('tool-calls', asOrchestrator());
    expect(printed).toContain('acts for its task: example:read');
    expect(printed).toContain('acts for its task: reports:read');
    expect(printed).toContain('acts for its task: example:read reports:read');
  });

  test('delegation.ts: part of a task for another agent', async () => {
    const asWorker = { WORKER_ID: worker.clientId, WORKER_SECRET: worker.clientSecret };
    expect(await run('delegation', { ...asOrchestrator(), ...asWorker })).toContain(
      `client_id: '${worker.clientId}'`,
    );
    expect((await tasksOf(worker, 'completed'))[0]).toMatchObject({
      description: 'Read the reviews',
      scope: 'example:read',
    });
  });

  test('person.ts: a person who approves in a browser', async () => {
    const { client_id: id } = await createAgent({ issuer: server.issuer }).registerClient({
      client_name: 'My editor',
      redirect_uris: ['http://127.0.0.1/callback'],
      grant_types: ['authorization_code', 'refresh_token'],
      token_endpoint_auth_method: 'none',
      scope: 'reports:read',
    });
    const browser = browserOf(server, await createPerson(server));
    const printed = await run('person', { CLIENT_ID: id }, (line) => {
      if (line.startsWith('http')) browser.allow(line).then(fetch, () => undefined);
    });
    expect(printed).toContain('You allowed: reports:read');
  });

  test('api-key.ts: registered, verified, and refused what is for administrators', async () => {
    const printed = await run('api-key');
    expect(printed).toMatch(/API key, shown only now: tg_\w+/);
    expect(printed).toContain('agent_registered');
    expect(printed).toMatch(/^401 invalid_token: /m);
  });

  test('administration.ts: an agent, its trail, and its suspension', async () => {
    const printed = await run('administration', { ADMIN_SECRET: ADMIN_CLIENT_SECRET });
    expect(printed.split('\n')).toEqual(expect.arrayContaining(['pending true', 'agent_registered', '1']));
  });

  test('permissions.ts and edge.ts', async () => {
    const [permissions, edge] = await Promise.all([run('permissions'), run('edge', asOrchestrator())]);
    expect(permissions).toBe("[ 'zendesk:tickets:*', 'github:issues:read' ]\ntrue\nfalse\n");
    expect(edge).toBe('200\n');
  });
});
