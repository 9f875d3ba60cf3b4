import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  type AgentParty,
  asAdmin,
  registerAgent,
  registerResourceServer,
  type ResourceServerParty,
} from '../../../test/support/parties.ts';
import { type ServerProcess, startServerProcess } from '../../../test/support/server-process.ts';
import { open } from '../../../test/support/token-requests.ts';
import { type CuttableProxy, cuttableProxy } from './cuttable-proxy.ts';
import { guardOf, statusOf, untilRefused } from './protected-api.ts';

/** The server, the connection and the resource server end in turn: nothing that was revoked is forgotten. */
let server: ServerProcess;
let proxy: CuttableProxy;
let api: ResourceServerParty;
let agent: AgentParty;

beforeAll(async () => {
  server = await startServerProcess();
  proxy = await cuttableProxy(server.address);
  api = await registerResourceServer(server);
  agent = await registerAgent(server);
});
afterAll(async () => {
  await proxy.stop();
  await server.stop();
});

const openHere = () => open(server, agent, { scope: 'reports:read', resource: api.audience });

async function revokeTask(taskId: string): Promise<void> {
  expect((await asAdmin(server, 'POST', `/api/tasks/${taskId}/revoke`, {})).status).toBe(200);
}

async function untilStatus(ask: () => Promise<number>, status: number): Promise<void> {
  for (const late = performance.now() + 10_000; (await ask()) !== status; ) {
    if (performance.now() > late) throw new Error(`it does not become ${status}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

describe('nothing is lost when', () => {
  test('the connection is cut and revocations go on without it', async () => {
    const endpoints = { revocations: `${proxy.address}/api/revocations` };
    const guard = guardOf(server, api, { endpoints, maxAge: 1 });
    const [first, second, untouched] = await Promise.all([openHere(), openHere(), openHere()]);
    expect(await statusOf(guard, first.token)).toBe(200);
    proxy.cut();
    await revokeTask(first.taskId);
    // Not known here yet; as soon as that is too old, nobody gets in.
    await untilStatus(() => statusOf(guard, untouched.token), 503);
    await revokeTask(second.taskId);
    proxy.mend();
    await untilStatus(() => statusOf(guard, untouched.token), 200);
    expect([await statusOf(guard, first.token), await statusOf(guard, second.token)]).toEqual([401, 401]);
    guard.close();
  });

  test('the server is killed and comes back', async () => {
    const guard = guardOf(server, api, { maxAge: 1 });
    const [before, after, untouched] = await Promise.all([openHere(), openHere(), openHere()]);
    expect(await statusOf(guard, untouched.token)).toBe(200);
    await revokeTask(before.taskId);
    await untilRefused(guard, before.token, 1000);
    await server.kill();
    await untilStatus(() => statusOf(guard, untouched.token), 503);
    // What was known to be revoked is not merely unknown now.
    expect(await statusOf(guard, before.token)).toBe(401);
    await server.start();
    await untilStatus(() => statusOf(guard, untouched.token), 200);
    expect(await statusOf(guard, before.token)).toBe(401);
    await revokeTask(after.taskId);
    await untilRefused(guard, after.token, 1000);
    guard.close();
  });

  test('the resource server starts again', async () => {
    const first = guardOf(server, api);
    const task = await openHere();
    expect(await statusOf(first, task.token)).toBe(200);
    first.close();
    await revokeTask(task.taskId);
    const second = guardOf(server, api);
    expect(await statusOf(second, task.token)).toBe(401);
    second.close();
  });
});
