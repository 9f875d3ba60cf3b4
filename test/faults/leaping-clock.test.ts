import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { CLOCKS_DIFFER_MS } from '../../src/app/remove-expired.ts';
import { STEADY_MS, steadiness } from '../../src/app/steady-clock.ts';
import { registerAgent } from '../support/parties.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { ADMIN, introspect, open, revoke } from '../support/token-requests.ts';
import { tend } from './tend.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server?.stop());

test('a clock that is set right after hours ahead revives nothing that was revoked', async () => {
  const { clock } = server;
  let elapsed = 0;
  const pass = (ms: number) => {
    elapsed += ms;
    clock.advance(ms / 1000);
  };
  const agent = await registerAgent(server);
  const { token } = await open(server, agent);
  await revoke(server, agent, token);
  // The last row of the ledger stays in any case.
  await revoke(server, agent, (await open(server, agent)).token);
  const ledger = async () => (await server.taskgrant.store.ledger.since(0, 10)).rows.length;

  // As a machine that starts with the time of another zone.
  clock.advance(3 * 3600);
  const steadyFor = steadiness(clock, CLOCKS_DIFFER_MS, () => elapsed);
  pass(STEADY_MS - 1000);
  await tend(server, { steadyFor });
  clock.advance(-3 * 3600);
  expect(await introspect(server, ADMIN, token)).toEqual({ active: false });
  expect(await ledger()).toBe(2);

  expect(steadyFor()).toBe(0);
  clock.advance(3 * 3600);
  expect(steadyFor()).toBe(0);
  pass(STEADY_MS);
  await tend(server, { steadyFor });
  expect(await ledger()).toBe(1);
});
