import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createApiKey } from '../../src/app/api-keys/create-api-key.ts';
import { openByApiKey } from '../../src/app/api-keys/open-by-api-key.ts';
import { revokeApiKey } from '../../src/app/api-keys/revoke-api-key.ts';
import { rotateApiKey } from '../../src/app/api-keys/rotate-api-key.ts';
import type { AppContext } from '../../src/app/context.ts';
import { CALLER, createTestContext, type TestContext } from '../support/app-context.ts';
import { registeredAgent, resolved } from '../support/registered-agent.ts';

let made: TestContext;
let context: AppContext;
beforeAll(async () => {
  made = await createTestContext();
  context = made.context;
});
afterAll(() => made.close());

/** The same, with something that happens between what a use case reads and its first commit. */
function whenMeanwhile(happens: () => Promise<unknown>): AppContext {
  let happened: Promise<unknown> | undefined;
  return {
    ...context,
    store: {
      ...context.store,
      async commit(unit) {
        await (happened ??= happens());
        await context.store.commit(unit);
      },
    },
  };
}

test('what a key opens while it is replaced at once and then revoked does not outlive that', async () => {
  const { agent } = await registeredAgent(context);
  const { clientId } = agent;
  const order = { caller: CALLER, clientId, proof: 'administrator' } as const;
  const { key } = await createApiKey(context, { ...order, name: 'first', expiresIn: null });
  const meanwhile = whenMeanwhile(async () => {
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
