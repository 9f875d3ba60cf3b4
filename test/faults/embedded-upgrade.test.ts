import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { SETTINGS_OF_BEFORE, unpackRelease } from '../releases/release.ts';
import { registerAgent } from '../support/parties.ts';
import { startServerProcess } from '../support/server-process.ts';
import {
  ADMIN,
  derive,
  introspect,
  open,
  requestToken,
  revoke,
  TOKEN_EXCHANGE,
} from '../support/token-requests.ts';

test('the embedded database is opened as the release before has left it', async () => {
  const release = unpackRelease();
  const home = mkdtempSync(join(tmpdir(), 'taskgrant-upgrade-'));
  const env = { DATA_DIR: home, ISSUER: 'http://127.0.0.1:9', RATE_LIMITS: 'off' };
  const before = await startServerProcess({ main: release.main, env, settings: SETTINGS_OF_BEFORE });
  const old = { ...before, issuer: before.address, apiAudience: 'http://127.0.0.1:9/api' };
  const agent = await registerAgent(old, {
    grant_types: ['client_credentials', 'refresh_token', TOKEN_EXCHANGE],
  });
  const task = await open(old, agent);
  const child = await derive(old, task);
  const ended = await open(old, agent);
  await revoke(old, agent, ended.token);
  await before.stop();

  const after = await startServerProcess({ env });
  const young = { ...after, issuer: after.address, apiAudience: 'http://127.0.0.1:9/api' };
  for (const { token } of [task, child])
    expect(await introspect(young, ADMIN, token)).toMatchObject({ active: true });
  expect(await introspect(young, ADMIN, ended.token)).toEqual({ active: false });
  const renewed = await requestToken(young, agent, {
    grant_type: 'refresh_token',
    refresh_token: task.body.refresh_token,
    code_verifier: task.verifier,
  });
  expect(renewed.status).toBe(200);
  await revoke(young, agent, task.token);
  expect(await introspect(young, ADMIN, child.token)).toEqual({ active: false });
  await after.stop();
  release.remove();
  rmSync(home, { recursive: true, force: true });
});
