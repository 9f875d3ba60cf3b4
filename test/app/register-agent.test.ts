import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { activateAgent } from '../../src/app/agents/activate-agent.ts';
import { changeAgentState } from '../../src/app/agents/change-agent-state.ts';
import type { AppContext } from '../../src/app/context.ts';
import { registerAgent } from '../../src/app/agents/register-agent.ts';
import { CALLER, createTestContext, type TestContext } from '../support/app-context.ts';
import { aRegistration } from '../support/registered-agent.ts';

let made: TestContext;
let context: AppContext;

beforeAll(async () => {
  made = await createTestContext();
  context = made.context;
});
afterAll(() => made.close());

const withSettings = (settings: Partial<AppContext['settings']>): AppContext => ({
  ...context,
  settings: { ...context.settings, ...settings },
});

describe('registering an agent', () => {
  test('makes it pending, with credentials whose digests alone are kept', async () => {
    const { agent, credentials } = await registerAgent(context, aRegistration());
    expect(agent).toMatchObject({ state: 'pending', kind: 'agent', epoch: 0, activatedAt: null });
    expect(credentials.clientId).toMatch(/^agt_[A-Za-z0-9_-]{22}$/);
    expect(credentials.clientSecret).toMatch(/^tgs_[A-Za-z0-9_-]{43}$/);
    expect(credentials.registrationToken).toMatch(/^tgr_[A-Za-z0-9_-]{43}$/);
    expect(await context.store.agents.byId(agent.clientId)).toEqual(agent);
    const [secret] = await context.store.agents.secrets(agent.clientId, context.clock.now());
    expect(secret?.digest).toBe(context.digests.sha256(credentials.clientSecret!));
    const events = await context.store.audit.search({ clientId: agent.clientId }, { limit: 10 });
    expect(events.items.map(({ type }) => type)).toEqual(['agent_registered']);
    expect(JSON.stringify(events)).not.toContain(credentials.clientSecret);
    expect(JSON.stringify(events)).not.toContain(credentials.registrationToken);
  });

  test('describes a client of client_credentials and token exchange by default', async () => {
    const { agent } = await registerAgent(context, aRegistration());
    expect(agent.metadata).toMatchObject({
      client_name: 'Research agent',
      grant_types: ['client_credentials', 'urn:ietf:params:oauth:grant-type:token-exchange'],
      response_types: [],
      redirect_uris: [],
      token_endpoint_auth_method: 'client_secret_basic',
    });
    expect(agent.metadata).not.toHaveProperty('scope');
  });

  test('by an administrator grants what is asked; wildcards stay out of the default scope', async () => {
    const permissions = ['reports:*', 'admin:read'];
    const { agent } = await registerAgent(context, aRegistration({ permissions }));
    expect(agent).toMatchObject({ permissions, defaultScope: ['admin:read'] });
    expect(agent.metadata).toMatchObject({ requested_permissions: [] });
  });

  test('by anyone grants the default permissions at most and remembers the rest', async () => {
    const permissions = ['example:read', 'reports:write', 'admin:write', '*:*'];
    const { agent } = await registerAgent(context, aRegistration({ registrar: 'anyone', permissions }));
    expect(agent.permissions).toEqual(['example:read']);
    expect(agent.metadata).toMatchObject({ requested_permissions: ['reports:write', 'admin:write', '*:*'] });
  });

  test('by anyone who asks for a wildcard grants the default permissions that it covers', async () => {
    const wish = aRegistration({ registrar: 'anyone', permissions: ['example:*'] });
    expect((await registerAgent(context, wish)).agent.permissions).toEqual(['example:read']);
  });

  test('by anyone grants the tools and resources that the configuration gives to anyone', async () => {
    const wish = aRegistration({ registrar: 'anyone', tools: ['search', 'shell'], resources: ['index'] });
    const cautious = withSettings({ defaultTools: ['search'], defaultResources: [] });
    const { agent } = await registerAgent(cautious, wish);
    expect(agent).toMatchObject({ tools: ['search'], resources: [] });
    expect(agent.metadata).toMatchObject({ requested_tools: ['shell'], requested_resources: ['index'] });
  });

  test('without a wish grants the default permissions', async () => {
    const wish = aRegistration({ registrar: 'anyone', permissions: undefined });
    expect((await registerAgent(context, wish)).agent.permissions).toEqual(['example:read']);
  });

  test.each([
    ['open', 'anyone', true],
    ['open', 'administrator', true],
    ['token', 'anyone', false],
    ['token', 'administrator', true],
    ['closed', 'anyone', false],
    ['closed', 'administrator', false],
    ['closed', 'operator', true],
  ] as const)('where registration is %s, %s may: %s', async (registration, registrar, allowed) => {
    const attempt = registerAgent(withSettings({ registration }), aRegistration({ registrar }));
    if (allowed) await expect(attempt).resolves.toBeDefined();
    else await expect(attempt).rejects.toMatchObject({ code: 'forbidden' });
  });

  test.each([
    ['a name of two characters', { name: 'ab' }],
    ['a name of 101 characters', { name: 'a'.repeat(101) }],
    ['a name with a line break', { name: 'Agent\nadmin' }],
    ['a name that reads backwards', { name: 'Agent \u202egnp' }],
    ['a name with a mark of Arabic letters', { name: 'Agent \u061c1-2' }],
    ['a description of 501 characters', { description: 'd'.repeat(501) }],
    ['a tool with a space', { tools: ['rm -rf'] }],
    ['a right outside the grammar of scopes', { permissions: ['a"b'] }],
    [
      'client_credentials without authentication',
      { client: { authMethod: 'none', grantTypes: ['client_credentials'] } },
    ],
    ['no usable grant', { client: { authMethod: 'none' } }],
    [
      'redirects without the code grant',
      { client: { redirectUris: ['https://a.example/cb'], grantTypes: ['client_credentials'] } },
    ],
    ['the code grant without redirects', { client: { grantTypes: ['authorization_code'] } }],
    ['a redirect over http to another machine', { client: { redirectUris: ['http://a.example/cb'] } }],
    ['a redirect with a fragment', { client: { redirectUris: ['https://a.example/cb#x'] } }],
    ['a redirect that runs a script', { client: { redirectUris: ['javascript:alert(1)'] } }],
    ['a redirect with a wildcard', { client: { redirectUris: ['https://*.example/cb'] } }],
    ['private_key_jwt without keys', { client: { authMethod: 'private_key_jwt' } }],
    ['a key without a type', { client: { jwks: { keys: [{ x: 'x' }] } } }],
    ['a key without a coordinate', { client: { jwks: { keys: [{ kty: 'EC', crv: 'P-256', x: 'x' }] } } }],
    [
      'a key with an id that is a number',
      { client: { jwks: { keys: [{ kty: 'RSA', n: 'n', e: 'AQAB', kid: 1 }] } } },
    ],
    ['a private key', { client: { authMethod: 'private_key_jwt', jwks: { keys: [{ kty: 'EC', d: 'x' }] } } }],
  ] as const)('refuses %s', async (_, over) => {
    const before = await context.store.counts(context.clock.now());
    await expect(registerAgent(context, aRegistration(over))).rejects.toMatchObject({
      code: 'parameter_invalid',
    });
    expect(await context.store.counts(context.clock.now())).toEqual(before);
  });

  test('a client on the user’s own machine is native and may be public', async () => {
    const client = {
      authMethod: 'none',
      redirectUris: ['http://127.0.0.1/cb', 'cursor://anysphere/cb'],
    } as const;
    const { agent, credentials } = await registerAgent(context, aRegistration({ client }));
    expect(agent.metadata).toMatchObject({
      application_type: 'native',
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
    });
    expect(credentials.clientSecret).toBeNull();
    expect(await context.store.agents.secrets(agent.clientId, context.clock.now())).toEqual([]);
  });
});

describe('the kind of application', () => {
  test.each([
    [['https://app.example/cb'], 'web'],
    [['https://localhost/cb'], 'web'],
    [['http://localhost:8080/cb'], 'native'],
    [['http://127.0.0.1/', 'https://vscode.dev/redirect'], 'native'],
  ])('with %j is %s', async (redirectUris, kind) => {
    const { agent } = await registerAgent(context, aRegistration({ client: { redirectUris } }));
    expect(agent.metadata.application_type).toBe(kind);
  });

  test('cannot be both', async () => {
    const client = { redirectUris: ['http://localhost/cb', 'https://localhost/cb'] };
    await expect(registerAgent(context, aRegistration({ client }))).rejects.toMatchObject({
      code: 'parameter_invalid',
    });
  });
});

describe('activating an agent', () => {
  const activate = (registrationToken: string) =>
    activateAgent(context, { caller: CALLER, registrationToken });

  test('lets it act from now on', async () => {
    const { credentials } = await registerAgent(context, aRegistration());
    const agent = await activate(credentials.registrationToken);
    expect(agent).toMatchObject({ state: 'active', activatedAt: context.clock.now() });
    expect(await context.store.agents.byId(agent.clientId)).toEqual(agent);
  });

  test('refuses an unknown token', async () => {
    await expect(activate('tgr_unknown')).rejects.toMatchObject({ code: 'not_found' });
  });

  test('works once, however many try at the same moment', async () => {
    const { credentials } = await registerAgent(context, aRegistration());
    const attempts = Array.from({ length: 10 }, () => activate(credentials.registrationToken));
    const outcomes = await Promise.allSettled(attempts);
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'conflict' });
    }
    const events = await context.store.audit.search(
      { clientId: credentials.clientId, type: 'agent_activated' },
      { limit: 20 },
    );
    expect(events.items).toHaveLength(1);
  });

  test('refuses an expired token', async () => {
    const { credentials } = await registerAgent(context, aRegistration());
    made.clock.advance(86_400);
    await expect(activate(credentials.registrationToken)).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringContaining('expired'),
    });
  });

  test('does not undo a suspension with a token that was never used', async () => {
    const { credentials } = await registerAgent(context, aRegistration());
    const { clientId } = credentials;
    await changeAgentState(context, { caller: CALLER, clientId, to: 'active', reason: null });
    await changeAgentState(context, { caller: CALLER, clientId, to: 'suspended', reason: null });
    await expect(activate(credentials.registrationToken)).rejects.toMatchObject({ code: 'conflict' });
    expect(await context.store.agents.byId(clientId)).toMatchObject({ state: 'suspended' });
  });
});
