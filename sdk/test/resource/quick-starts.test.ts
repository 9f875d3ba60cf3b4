import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { freePort } from '../../../test/support/free-port.ts';
import {
  type AgentParty,
  registerAgent,
  registerResourceServer,
  type ResourceServerParty,
} from '../../../test/support/parties.ts';
import { bearer, send } from '../../../test/support/requests.ts';
import { startServer, type TestServer } from '../../../test/support/server.ts';
import { open } from '../../../test/support/token-requests.ts';

/** The quick starts of docs/resource.md, run as they stand there, against the real server. */
let server: TestServer;
let agent: AgentParty;

beforeAll(async () => {
  server = await startServer();
  agent = await registerAgent(server);
});
afterAll(() => server.stop());

function start(
  name: string,
  { clientId, clientSecret }: ResourceServerParty,
  env: Record<string, string> = {},
  script?: (file: string) => string,
) {
  const file = fileURLToPath(new URL(`../../examples/${name}.ts`, import.meta.url));
  const credentials = { ISSUER: server.issuer, CLIENT_ID: clientId, CLIENT_SECRET: clientSecret };
  const run = script ? ['--input-type=module', '--eval', script(file)] : [file];
  return spawn(process.execPath, ['--conditions=taskgrant-source', ...run], {
    env: { ...process.env, NODE_OPTIONS: '', NO_COLOR: '1', ...credentials, ...env },
    timeout: 15_000,
  });
}

/** What it prints first, or what it complains of when it ends before. */
async function firstLine({ stdout, stderr }: ChildProcessWithoutNullStreams): Promise<unknown> {
  const complaint = text(stderr).then((said) => `ended: ${said}`);
  const line = once(createInterface(stdout), 'line').then(([said]: unknown[]) => said);
  return Promise.race([line, complaint]);
}

describe('a quick start', () => {
  test.each(['node', 'express', 'koa', 'fastify', 'hono'])(
    'resource-%s.ts protects its API',
    async (name) => {
      const port = String(await freePort());
      const address = { issuer: `http://localhost:${port}` };
      const api = await registerResourceServer(server, { audiences: [address.issuer] });
      const child = start(`resource-${name}`, api, { PORT: port });
      try {
        expect(await firstLine(child)).toBe(`listening on ${port}`);
        const stranger = await send(address, '/reports');
        const metadata = `${address.issuer}/.well-known/oauth-protected-resource`;
        expect([stranger.status, stranger.headers.get('www-authenticate')]).toEqual([
          401,
          expect.stringContaining(`resource_metadata="${metadata}"`),
        ]);
        expect((await send(address, '/.well-known/oauth-protected-resource')).body.resource).toBe(
          address.issuer,
        );
        const task = await open(server, agent, { scope: 'reports:read', resource: api.audience });
        const read = await send(address, '/reports', { headers: bearer(task.token) });
        expect(read.text).toBe(`${agent.clientId} reads for the task ${task.taskId}\n`);
        if (name === 'express') await expectWriting(address, api);
      } finally {
        child.kill();
      }
    },
  );

  async function expectWriting(
    address: { issuer: string },
    { audience }: ResourceServerParty,
  ): Promise<void> {
    const form = { scope: 'reports:read reports:write', resource: audience, required_tools: 'mail' };
    const task = await open(server, agent, form);
    const write = (headers = {}) =>
      send(address, '/reports', { method: 'POST', headers: { ...bearer(task.token), ...headers } });
    expect((await write()).status).toBe(400);
    expect((await write({ 'x-task-id': task.taskId })).text).toBe(`${agent.clientId} has written\n`);
  }

  test('resource-health.ts tells how up to date it is, and what a stranger gets', async () => {
    const api = await registerResourceServer(server);
    const child = start('resource-health', api);
    const printed = await text(child.stdout);
    expect(printed).toMatch(/^feed: starting/);
    expect(printed).toContain('up to date\nrefused: 401 token_required\n401 Bearer resource_metadata=');
  });

  test('resource-next.ts handles a route', async () => {
    const api = await registerResourceServer(server);
    const task = await open(server, agent, { scope: 'reports:read', resource: api.audience });
    const child = start('resource-next', api, { AUDIENCE: api.audience, TOKEN: task.token }, asNextDoes);
    const [accepted, stranger, metadata] = JSON.parse(await text(child.stdout)) as string[];
    expect(accepted).toBe(`200 ${agent.clientId} reads for the task ${task.taskId}\n`);
    expect(stranger).toMatch(/^401 .*"code":"token_required"/);
    expect(metadata).toContain(`200 {"resource":"${api.audience}"`);
  });
});

/** Calls the route handler of a file as its framework would. */
const asNextDoes = (file: string) => `
  const { GET } = await import(${JSON.stringify(file)});
  const ask = async (path, headers) => {
    const response = await GET(new Request('http://localhost:3001' + path, { headers }));
    return response.status + ' ' + (await response.text());
  };
  const answers = [
    await ask('/reports', { authorization: 'Bearer ' + process.env.TOKEN }),
    await ask('/reports', {}),
    await ask('/.well-known/oauth-protected-resource', {}),
  ];
  process.stdout.write(JSON.stringify(answers), () => process.exit());
`;
