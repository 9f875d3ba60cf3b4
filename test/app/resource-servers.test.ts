import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { AppContext } from '../../src/app/context.ts';
import { deleteResourceServer } from '../../src/app/resource-servers/delete-resource-server.ts';
import {
  listResourceServers,
  viewResourceServer,
} from '../../src/app/resource-servers/find-resource-server.ts';
import {
  type RegisterResourceServerCommand,
  registerResourceServer,
} from '../../src/app/resource-servers/register-resource-server.ts';
import { rotateResourceServerSecret } from '../../src/app/resource-servers/rotate-resource-server-secret.ts';
import { updateResourceServer } from '../../src/app/resource-servers/update-resource-server.ts';
import {
  ADMIN_AUDIENCE,
  CALLER,
  createTestContext,
  DEFAULT_AUDIENCE,
  ISSUER,
  type TestContext,
} from '../support/app-context.ts';

let made: TestContext;
let context: AppContext;
let count = 0;

beforeAll(async () => {
  made = await createTestContext();
  context = made.context;
});
afterAll(() => made.close());

function register(over: Partial<RegisterResourceServerCommand> = {}) {
  count += 1;
  return registerResourceServer(context, {
    caller: CALLER,
    name: 'Payments API',
    audiences: [`https://pay-${count}.example.com`],
    scopes: ['payments:read'],
    tokenFormat: 'jwt',
    ...over,
  });
}

describe('registering a resource server', () => {
  test('gives it credentials that are granted nothing', async () => {
    const { server, clientSecret } = await register();
    expect(server.clientId).toMatch(/^rs_[A-Za-z0-9_-]{22}$/);
    expect(clientSecret).toMatch(/^tgs_[A-Za-z0-9_-]{43}$/);
    expect(await viewResourceServer(context, { caller: CALLER, clientId: server.clientId })).toEqual(server);
    expect(await context.store.agents.byId(server.clientId)).toMatchObject({
      kind: 'resource_server',
      state: 'active',
      permissions: [],
      audiences: [],
      metadata: { grant_types: [], token_endpoint_auth_method: 'client_secret_basic' },
    });
    const events = await context.store.audit.search({ clientId: server.clientId }, { limit: 10 });
    expect(events.items.map(({ type }) => type)).toEqual(['resource_server_registered']);
    expect(JSON.stringify(events)).not.toContain(clientSecret);
  });

  test.each([
    [ADMIN_AUDIENCE, 'the administration API'],
    [`${ADMIN_AUDIENCE}/`, 'the administration API with a slash'],
    [ISSUER, 'the issuer'],
    [`${ISSUER}/`, 'the issuer with a slash'],
    [DEFAULT_AUDIENCE, 'an audience of another'],
    [`${DEFAULT_AUDIENCE}/`, 'an audience of another with a slash'],
  ])('refuses %s: %s', async (audience) => {
    await expect(register({ audiences: ['https://mine.example.com', audience] })).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringContaining(audience),
    });
    expect(await context.store.resourceServers.byAudience('https://mine.example.com')).toBeUndefined();
  });

  test.each([
    ['api.example.com', 'no scheme'],
    ['/api', 'a path alone'],
    ['https://api.example.com#part', 'a fragment'],
    ['ftp://api.example.com', 'another scheme'],
    ['javascript:alert(1)', 'a script'],
    ['https://user:pass@api.example.com', 'credentials'],
    ['HTTPS://API.example.com', 'capital letters'],
    ['https://api.example.com:443/x', 'a default port'],
    ['https://api.example.com/a/../b', 'a path that is not normal'],
    ['https://api.example.com/a b', 'a space'],
  ])('refuses %j: %s', async (audience) => {
    await expect(register({ audiences: [audience] })).rejects.toMatchObject({ code: 'parameter_invalid' });
  });

  test('takes a urn, and the two spellings of one audience as one', async () => {
    const { server } = await register({
      audiences: ['urn:example:reports', 'https://two.example.com/', 'https://two.example.com'],
    });
    expect(server.audiences).toEqual(['urn:example:reports', 'https://two.example.com/']);
  });

  test('refuses none at all', async () => {
    await expect(register({ audiences: [] })).rejects.toMatchObject({ code: 'parameter_invalid' });
  });

  test('of two that want one audience at the same moment, one gets it', async () => {
    const audiences = ['https://wanted.example.com'];
    const outcomes = await Promise.allSettled([register({ audiences }), register({ audiences })]);
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    const refused = outcomes.find((outcome) => outcome.status === 'rejected');
    expect(refused?.reason).toMatchObject({ code: 'conflict' });
  });
});

describe('changing a resource server', () => {
  test('replaces what is named, renames its client and records both sides', async () => {
    const { server } = await register();
    const { clientId } = server;
    const audiences = [...server.audiences, 'https://second.example.com'];
    const edits = { name: 'Money API', audiences, scopes: null, tokenFormat: 'opaque' } as const;
    const updated = await updateResourceServer(context, { caller: CALLER, clientId, edits });
    expect(updated).toEqual({ ...server, ...edits });
    expect(await viewResourceServer(context, { caller: CALLER, clientId })).toEqual(updated);
    expect(await context.store.agents.byId(clientId)).toMatchObject({ name: 'Money API' });
    const events = await context.store.audit.search({ type: 'resource_server_updated' }, { limit: 1 });
    expect(events.items[0]?.details).toMatchObject({
      before: { name: 'Payments API', token_format: 'jwt' },
      after: { name: 'Money API', token_format: 'opaque' },
    });
  });

  test('cannot take an audience of another', async () => {
    const { server: other } = await register();
    const { server } = await register();
    const { clientId } = server;
    const edits = { audiences: other.audiences };
    await expect(updateResourceServer(context, { caller: CALLER, clientId, edits })).rejects.toMatchObject({
      code: 'conflict',
    });
    expect(await viewResourceServer(context, { caller: CALLER, clientId })).toEqual(server);
  });

  test('a new secret works beside the old one for the overlap', async () => {
    const { server, clientSecret } = await register();
    const { clientId } = server;
    const rotated = await rotateResourceServerSecret(context, { caller: CALLER, clientId, immediate: false });
    const valid = await context.store.agents.secrets(clientId, context.clock.now());
    expect(valid.map(({ digest }) => digest).toSorted()).toEqual(
      [clientSecret, rotated.clientSecret].map(context.digests.sha256).toSorted(),
    );
  });

  test('deleting frees the audiences, ends the credentials and keeps the history', async () => {
    const { server } = await register();
    const { clientId, audiences } = server;
    await deleteResourceServer(context, { caller: CALLER, clientId, reason: 'shut down' });
    await expect(viewResourceServer(context, { caller: CALLER, clientId })).rejects.toMatchObject({
      code: 'not_found',
    });
    expect(await context.store.agents.byId(clientId)).toMatchObject({ state: 'revoked', epoch: 1 });
    expect(await context.store.agents.secrets(clientId, context.clock.now())).toEqual([]);
    await expect(register({ audiences })).resolves.toBeDefined();
    const events = await context.store.audit.search({ clientId }, { limit: 10 });
    expect(events.items.map(({ type }) => type)).toEqual(
      expect.arrayContaining(['resource_server_registered', 'resource_server_deleted']),
    );
  });

  test('the server’s own API cannot be changed or deleted', async () => {
    const own = { caller: CALLER, clientId: 'taskgrant-api' };
    const conflict = { code: 'conflict' };
    await expect(updateResourceServer(context, { ...own, edits: { scopes: null } })).rejects.toMatchObject(
      conflict,
    );
    await expect(deleteResourceServer(context, { ...own, reason: null })).rejects.toMatchObject(conflict);
    await expect(rotateResourceServerSecret(context, { ...own, immediate: true })).rejects.toMatchObject(
      conflict,
    );
    expect((await listResourceServers(context)).map(({ clientId }) => clientId)).toContain('taskgrant-api');
  });
});
