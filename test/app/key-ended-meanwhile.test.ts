import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { changeAgentState } from '../../src/app/agents/change-agent-state.ts';
import { rotateSecret } from '../../src/app/agents/rotate-secret.ts';
import { createApiKey } from '../../src/app/api-keys/create-api-key.ts';
import { openByApiKey } from '../../src/app/api-keys/open-by-api-key.ts';
import { revokeApiKey } from '../../src/app/api-keys/revoke-api-key.ts';
import { rotateApiKey } from '../../src/app/api-keys/rotate-api-key.ts';
import type { AppContext } from '../../src/app/context.ts';
import { stillStands } from '../../src/app/tokens/still-stands.ts';
import { registerWebhook } from '../../src/app/webhooks/register-webhook.ts';
import { CALLER, createTestContext, type TestContext } from '../support/app-context.ts';
import { openFor, registeredAgent, resolved, TASK_VERIFIER } from '../support/registered-agent.ts';
import { whenMeanwhile } from '../support/when-meanwhile.ts';

let made: TestContext;
let context: AppContext;
beforeAll(async () => {
  made = await createTestContext();
  context = made.context;
});
afterAll(() => made.close());

test('what a key opens while it is replaced at once and then revoked does not outlive that', async () => {
  const { agent } = await registeredAgent(context);
  const { clientId } = agent;
  const order = { caller: CALLER, clientId, proof: 'administrator' } as const;
  const { key } = await createApiKey(context, { ...order, name: 'first', expiresIn: null });
  const meanwhile = whenMeanwhile(context, async () => {
    made.clock.advance(1);
    await rotateApiKey(context, { ...order, keyId: key.keyId, immediate: true });
    await revokeApiKey(context, { caller: CALLER, clientId, keyId: key.keyId, visitor: 'administrator' });
  });
  const opened = openByApiKey(meanwhile, {
    caller: CALLER,
    key,
    request: {},
    resources: [],
    refreshAllowed: false,
  });
  const liveness = await opened.then(
    async (issued) => (await resolved(context, issued)).liveness,
    () => 'refused',
  );
  expect(liveness).not.toBe('live');
});

describe('an agent that is suspended meanwhile', () => {
  const suspended = async () => {
    const { agent } = await registeredAgent(context);
    const { clientId } = agent;
    const bearer = await resolved(context, await openFor(context, agent));
    const proof = { bearer, codeVerifier: TASK_VERIFIER, keyThumbprint: undefined };
    const meanwhile = whenMeanwhile(context, () =>
      changeAgentState(context, { caller: CALLER, clientId, to: 'suspended', reason: null }),
    );
    const caller = { ...CALLER, standsOn: stillStands(bearer) };
    return { clientId, caller, bearer, proof, meanwhile };
  };

  test('makes no API key by a token that has ended', async () => {
    const { clientId, caller, proof, meanwhile } = await suspended();
    const order = { caller, clientId, name: 'late', expiresIn: null };
    const created = createApiKey(meanwhile, { ...order, proof: { ...proof, apiKey: undefined } });
    await expect(created).rejects.toMatchObject({ code: 'caller_revoked' });
  });

  test('gets no secret by a token that has ended', async () => {
    const { clientId, caller, proof, meanwhile } = await suspended();
    const rotated = rotateSecret(meanwhile, { caller, clientId, proof, immediate: true });
    await expect(rotated).rejects.toMatchObject({ code: 'caller_revoked' });
  });

  test('makes no webhook by a token that has ended', async () => {
    const { caller, bearer, meanwhile } = await suspended();
    const token = { ...bearer.token, audience: `${context.settings.issuer}/api` };
    const visitor = { bearer: Object.create(bearer, { token: { value: token } }) as typeof bearer };
    const hook = {
      url: 'https://hooks.example.com/x',
      events: ['*'],
      description: 'Own',
      agentId: undefined,
    };
    const registered = registerWebhook(meanwhile, { caller, visitor, ...hook });
    await expect(registered).rejects.toMatchObject({ code: 'caller_revoked' });
  });
});
