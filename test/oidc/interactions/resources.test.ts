import { expect, test } from '@jest/globals';
import { deleteResourceServer } from '../../../src/app/resource-servers/delete-resource-server.ts';
import { updateResourceServer } from '../../../src/app/resource-servers/update-resource-server.ts';
import { CALLER } from '../../support/app-context.ts';
import { interactionsScene } from './scene.ts';

const { app, user, atConsent, redeem } = interactionsScene();

const CHANGES: [string, string, (clientId: string) => Promise<unknown>][] = [
  [
    'is deleted',
    'invalid_target',
    (clientId: string) => deleteResourceServer(app.context, { caller: CALLER, clientId, reason: null }),
  ],
  [
    'gets another address',
    'invalid_target',
    (clientId: string) =>
      updateResourceServer(app.context, {
        caller: CALLER,
        clientId,
        edits: { audiences: [`https://${clientId.toLowerCase().replaceAll('_', '-')}.example/other/`] },
      }),
  ],
  [
    'knows one of the rights no more',
    'invalid_scope',
    (clientId: string) =>
      updateResourceServer(app.context, { caller: CALLER, clientId, edits: { scopes: ['reports:read'] } }),
  ],
];

const owner = async (resource: string) =>
  (await app.context.store.resourceServers.byAudience(resource))?.clientId ?? '';

test.each(CHANGES)(
  'a service that %s while a person looks at the consent: %s, and nothing is approved',
  async (_, error, change) => {
    const agent = await app.agent();
    const resource = await app.audience();
    const { browser, page } = await atConsent(agent, { ...user, over: { resource } });
    expect(page.html).toContain(resource);
    await change(await owner(resource));
    const back = await browser.submit(page, {});
    expect(back.location?.searchParams.get('error')).toBe(error);
    expect(back.location?.searchParams.get('state')).toBe('state-of-the-client');
    const granted = (await app.events('consent_granted')).filter(
      ({ clientId }) => clientId === agent.clientId,
    );
    expect(granted).toEqual([]);
  },
);

test.each(CHANGES)('a service that %s before the code is redeemed: %s (R11)', async (_, error, change) => {
  const agent = await app.agent();
  const resource = await app.audience();
  const { browser, page } = await atConsent(agent, { ...user, over: { resource } });
  const back = await browser.submit(page, {});
  await change(await owner(resource));
  const { status, body } = await redeem(agent, back.location);
  expect([status, body.error]).toEqual([400, error]);
});

test('a request that names no scope asks for what the service knows of the default scope', async () => {
  const agent = await app.agent({ defaultScope: ['reports:read', 'reports:write'] });
  const resource = await app.audience();
  await updateResourceServer(app.context, {
    caller: CALLER,
    clientId: await owner(resource),
    edits: { scopes: ['reports:read'] },
  });
  const { browser, page } = await atConsent(agent, { ...user, over: { resource, scope: undefined } });
  expect(page.html).toContain('reports:read');
  expect(page.html).not.toContain('reports:write');
  const back = await browser.submit(page, {});
  expect((await redeem(agent, back.location)).body.scope).toBe('reports:read');
});
