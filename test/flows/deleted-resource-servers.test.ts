import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { browserOf } from '../support/browser-session.ts';
import { authorizationUrl, authorize, CALLBACK } from '../support/code-flow.ts';
import {
  administer,
  type AgentParty,
  createPerson,
  pkce,
  registerAgent,
  registerResourceServer,
  type ResourceServerParty,
} from '../support/parties.ts';
import type { Form } from '../support/requests.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { clientCredentials, derive, open, requestToken, TOKEN_EXCHANGE } from '../support/token-requests.ts';

let server: TestServer;
let agent: AgentParty;
let gone: ResourceServerParty;
let left: ResourceServerParty;

beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.stop());
beforeEach(async () => {
  gone = await registerResourceServer(server);
  left = await registerResourceServer(server);
  agent = await registerAgent(server, {
    redirect_uris: [CALLBACK],
    grant_types: ['authorization_code', 'client_credentials', 'refresh_token', TOKEN_EXCHANGE],
  });
});

const remove = ({ clientId }: ResourceServerParty) =>
  administer(server, 'DELETE', `/api/admin/resource-servers/${clientId}`);

/** A task for both, and the ways in which it goes on. */
async function goingOn() {
  const resource = [gone.audience, left.audience];
  const task = await open(server, agent, { resource, scope: 'reports:read' });
  const person = await createPerson(server);
  const browser = browserOf(server, person);
  const approved = await authorize(server, { agent, browser, form: { resource, scope: 'reports:read' } });
  return {
    task,
    joining: (form: Form = {}) =>
      clientCredentials(server, agent, { task_id: task.taskId, code_verifier: task.verifier, ...form }),
    refreshing: (form: Form = {}) =>
      requestToken(server, agent, {
        grant_type: 'refresh_token',
        refresh_token: task.body.refresh_token,
        code_verifier: task.verifier,
        ...form,
      }),
    refreshingForAPerson: (form: Form = {}) =>
      requestToken(server, agent, {
        grant_type: 'refresh_token',
        refresh_token: approved.body.refresh_token,
        ...form,
      }),
  };
}

const claimsOf = (token: string) =>
  JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());

describe('[S12] a task for several resources, one of which is not registered any more', () => {
  test.each(['joining', 'refreshing', 'refreshingForAPerson'] as const)('goes on by %s', async (way) => {
    const { [way]: go } = await goingOn();
    await remove(gone);
    const named = await go({ resource: gone.audience });
    expect(named).toMatchObject({ status: 400, body: { error: 'invalid_target' } });
    expect(named.body.error_description).toBe(`no resource server is registered for ${gone.audience}`);
    const { status, body } = await go();
    expect({ status, aud: claimsOf(body.access_token ?? '').aud }).toEqual({
      status: 200,
      aud: left.audience,
    });
  });

  test.each(['joining', 'refreshing', 'refreshingForAPerson'] as const)(
    'is refused by %s when none is left, and told which they were',
    async (way) => {
      const { [way]: go } = await goingOn();
      await remove(gone);
      await remove(left);
      const { status, body } = await go();
      expect({ status, error: body.error }).toEqual({ status: 400, error: 'invalid_target' });
      expect(body.error_description).toBe(
        `no resource server is registered for ${gone.audience} ${left.audience}`,
      );
    },
  );

  test('gets children for what is left', async () => {
    const { task } = await goingOn();
    await remove(gone);
    const child = await derive(server, task);
    expect(claimsOf(child.token).aud).toBe(left.audience);
    await remove(left);
    await expect(derive(server, task)).rejects.toThrow('invalid_target');
  });
});

test('an agent that may use two resources of which one is gone opens tasks for the other', async () => {
  const audiences = [gone.audience, left.audience];
  await administer(server, 'PUT', `/api/agents/${agent.clientId}`, { audiences });
  await remove(gone);
  const { token } = await open(server, agent);
  expect(claimsOf(token).aud).toBe(left.audience);
  const browser = browserOf(server, await createPerson(server));
  const approved = await authorize(server, { agent, browser, form: { scope: 'reports:read' } });
  expect(claimsOf(approved.token).aud).toBe(left.audience);
  await remove(left);
  await expect(open(server, agent)).rejects.toThrow('invalid_target');
});

test('a person is not asked for a resource that is gone meanwhile, and approves nothing for it', async () => {
  const person = await createPerson(server);
  const browser = browserOf(server, person);
  const form = { ...pkce().parameters, scope: 'reports:read', resource: gone.audience };
  const page = await browser.consentPage(authorizationUrl(server, agent, form));
  expect(page.html).toContain('Allow this application');
  await remove(gone);
  const back = (await browser.pages.submit(page, {})).location;
  expect(Object.fromEntries(back?.searchParams ?? [])).toMatchObject({
    error: 'invalid_target',
    error_description: `no resource server is registered for ${gone.audience}`,
  });
  const consents = `/api/admin/users/${person.userId}/consents`;
  expect((await administer(server, 'GET', consents)).consents).toEqual([]);
});
