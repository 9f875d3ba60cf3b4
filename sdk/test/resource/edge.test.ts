import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, expect, jest, test } from '@jest/globals';
import { createAgent } from '@taskgrant/sdk/agent/edge';
import { protect } from '@taskgrant/sdk/resource';
import { build, stop } from 'esbuild';
import {
  administer,
  registerAgent,
  registerResourceServer,
  type ResourceServerParty,
} from '../../../test/support/parties.ts';
import { startServer, type TestServer } from '../../../test/support/server.ts';
import { open } from '../../../test/support/token-requests.ts';

/** Guards where there is no Node: only what the web platform has. */
let server: TestServer;
let api: ResourceServerParty;

beforeAll(async () => {
  server = await startServer();
  api = await registerResourceServer(server);
});
afterAll(() => Promise.all([server.stop(), stop()]));
afterEach(() => void jest.restoreAllMocks());

const RUNNER = fileURLToPath(new URL('../support/edge-runner.ts', import.meta.url));

async function bundle(program: string): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents: program, resolveDir: fileURLToPath(new URL('../..', import.meta.url)), loader: 'ts' },
    bundle: true,
    format: 'iife',
    globalName: 'program',
    target: 'es2022',
    // No module of Node resolves there.
    platform: 'neutral',
    write: false,
  });
  return outputFiles[0]?.text ?? '';
}

async function inEdgeRuntime(program: string): Promise<unknown> {
  const child = spawn(process.execPath, [RUNNER], { timeout: 15_000 });
  child.stdin.end(program);
  const [told, complaint] = await Promise.all([text(child.stdout), text(child.stderr)]);
  if (told === '') throw new Error(complaint);
  return JSON.parse(told);
}

test('a guard follows the feed and judges tokens in an edge runtime', async () => {
  const agent = await registerAgent(server);
  const form = { scope: 'reports:read', resource: api.audience, required_tools: 'search' };
  const [live, dead] = await Promise.all([open(server, agent, form), open(server, agent, form)]);
  await administer(server, 'POST', `/api/tasks/${dead.taskId}/revoke`, {});
  const { clientId, clientSecret, audience } = api;
  const options = {
    issuer: server.issuer,
    audience,
    scope: 'reports:read',
    credentials: { clientId, clientSecret },
  };
  const program = await bundle(`
    import { forFetch, protect } from './src/resource/index.ts';
    export async function main() {
      const guard = protect(${JSON.stringify(options)});
      await guard.ready();
      const handle = forFetch(guard.requiring({ scope: 'reports:read', tool: 'search' }), (request, access) =>
        Response.json({ task: access.task.id, tools: access.tools }));
      const ask = async (token) => {
        const headers = token ? { authorization: 'Bearer ' + token } : {};
        const response = await handle(new Request('https://api.example.com/reports', { headers }));
        return [response.status, await response.json()];
      };
      const answers = [await ask('${live.token}'), await ask('${live.token}'), await ask('${dead.token}'), await ask()];
      guard.close();
      return answers;
    }`);
  const accepted = [200, { task: live.taskId, tools: ['search'] }];
  expect(await inEdgeRuntime(program)).toEqual([
    accepted,
    accepted,
    [401, expect.objectContaining({ code: 'invalid_token' })],
    [401, expect.objectContaining({ code: 'token_required' })],
  ]);
});

/** Cloudflare Workers end a module that does any of this while it is loaded. */
function refuseWhatWorkersRefuse(): void {
  const refuse = (): never => {
    throw new Error('Disallowed operation called within global scope');
  };
  jest.spyOn(globalThis, 'AbortController').mockImplementation(refuse);
  jest.spyOn(globalThis, 'setTimeout').mockImplementation(refuse);
  jest.spyOn(globalThis, 'setInterval').mockImplementation(refuse);
  jest.spyOn(globalThis, 'fetch').mockImplementation(refuse);
  jest.spyOn(crypto, 'getRandomValues').mockImplementation(refuse);
  jest.spyOn(crypto, 'randomUUID').mockImplementation(refuse);
}

test('a guard, and an agent, can be made at the top of a module of a worker', () => {
  const { issuer } = server;
  const { clientId, clientSecret, audience } = api;
  const credentials = { clientId, clientSecret };
  refuseWhatWorkersRefuse();
  for (const mode of ['live', 'offline', 'introspection'] as const) {
    protect({ issuer, audience, credentials, mode, cache: 5, fallback: 'introspection' }).close();
  }
  expect(createAgent({ issuer, clientId, clientSecret, dpop: true }).issuer).toBe(issuer);
});
