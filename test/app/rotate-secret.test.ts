import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { AppContext } from '../../src/app/context.ts';
import { type RotateSecretCommand, rotateSecret } from '../../src/app/agents/rotate-secret.ts';
import { deriveTask } from '../../src/app/issuance/derive-task.ts';
import { CALLER, createTestContext, type TestContext } from '../support/app-context.ts';
import { openFor, registeredAgent, resolved, TASK_VERIFIER } from '../support/registered-agent.ts';

let made: TestContext;
let context: AppContext;

beforeAll(async () => {
  made = await createTestContext();
  context = made.context;
});
afterAll(() => made.close());

const rotate = (clientId: string, over: Partial<RotateSecretCommand> = {}) =>
  rotateSecret(context, { caller: CALLER, clientId, proof: 'administrator', immediate: false, ...over });

async function accepted(clientId: string, secret: string | null): Promise<boolean> {
  const valid = await context.store.agents.secrets(clientId, context.clock.now());
  return valid.some(({ digest }) => digest === context.digests.sha256(secret ?? ''));
}

describe('rotating a secret', () => {
  test('lets both work for the overlap, then only the new one', async () => {
    const { agent, credentials } = await registeredAgent(context);
    const { clientId } = agent;
    const rotated = await rotate(clientId);
    expect(rotated.oldSecretsExpireAt).toBe(context.clock.now() + 3_600_000);
    expect(await accepted(clientId, credentials.clientSecret)).toBe(true);
    expect(await accepted(clientId, rotated.clientSecret)).toBe(true);
    made.clock.advance(3600);
    expect(await accepted(clientId, credentials.clientSecret)).toBe(false);
    expect(await accepted(clientId, rotated.clientSecret)).toBe(true);
  });

  test('at once ends the old ones, those in an overlap too', async () => {
    const { agent, credentials } = await registeredAgent(context);
    const { clientId } = agent;
    const first = await rotate(clientId);
    const second = await rotate(clientId, { immediate: true });
    expect(await accepted(clientId, credentials.clientSecret)).toBe(false);
    expect(await accepted(clientId, first.clientSecret)).toBe(false);
    expect(await accepted(clientId, second.clientSecret)).toBe(true);
  });

  test('again does not prolong an older secret', async () => {
    const { agent, credentials } = await registeredAgent(context);
    await rotate(agent.clientId);
    made.clock.advance(3000);
    await rotate(agent.clientId);
    made.clock.advance(700);
    expect(await accepted(agent.clientId, credentials.clientSecret)).toBe(false);
  });

  test('is refused once twenty work, also of many at once, until they are ended', async () => {
    const { agent } = await registeredAgent(context);
    const { clientId } = agent;
    const rotated = await Promise.allSettled(Array.from({ length: 30 }, () => rotate(clientId)));
    expect(rotated.filter(({ status }) => status === 'fulfilled')).toHaveLength(19);
    await expect(rotate(clientId)).rejects.toMatchObject({ code: 'conflict' });
    await rotate(clientId, { immediate: true });
    const { clientSecret } = await rotate(clientId);
    expect(await accepted(clientId, clientSecret)).toBe(true);
  });

  test('is recorded without the secret', async () => {
    const { agent } = await registeredAgent(context);
    const { clientSecret } = await rotate(agent.clientId);
    const events = await context.store.audit.search(
      { type: 'agent_secret_rotated', clientId: agent.clientId },
      { limit: 1 },
    );
    expect(events.items).toMatchObject([{ actor: 'tester' }]);
    expect(JSON.stringify(events)).not.toContain(clientSecret);
  });

  test('is refused for a client without secrets', async () => {
    const client = { authMethod: 'none', redirectUris: ['http://localhost/cb'] } as const;
    const { agent } = await registeredAgent(context, { client });
    await expect(rotate(agent.clientId)).rejects.toMatchObject({ code: 'conflict' });
  });
});

describe('an agent that rotates its own secret', () => {
  async function ownProof() {
    const { agent } = await registeredAgent(context);
    const bearer = await resolved(context, await openFor(context, agent));
    return { agent, proof: { bearer, codeVerifier: TASK_VERIFIER, keyThumbprint: undefined } };
  }

  test('shows its token and the verifier of the task', async () => {
    const { agent, proof } = await ownProof();
    const { clientSecret } = await rotate(agent.clientId, { proof });
    expect(await accepted(agent.clientId, clientSecret)).toBe(true);
  });

  test('cannot do so with the token alone, which every resource server sees', async () => {
    const { agent, proof } = await ownProof();
    const bare = { ...proof, codeVerifier: undefined };
    await expect(rotate(agent.clientId, { proof: bare })).rejects.toMatchObject({
      code: 'verifier_mismatch',
    });
    const wrong = { ...proof, codeVerifier: `${TASK_VERIFIER}x` };
    await expect(rotate(agent.clientId, { proof: wrong })).rejects.toMatchObject({
      code: 'verifier_mismatch',
    });
  });

  test('cannot rotate another agent’s, nor learn whether it exists', async () => {
    const { proof } = await ownProof();
    const { agent: other } = await registeredAgent(context);
    for (const clientId of [other.clientId, 'nobody']) {
      await expect(rotate(clientId, { proof })).rejects.toMatchObject({ code: 'not_found' });
    }
  });

  test('cannot do so in a task without anything to prove', async () => {
    const { agent, proof } = await ownProof();
    const task = { ...proof.bearer.task, codeChallenge: null };
    const unbound = { ...proof, bearer: { ...proof.bearer, task } };
    await expect(rotate(agent.clientId, { proof: unbound })).rejects.toMatchObject({ code: 'forbidden' });
  });

  test('cannot do so in a part of its work that has a verifier of its own', async () => {
    const { agent } = await registeredAgent(context);
    const parent = await openFor(context, agent);
    const verifier = `${TASK_VERIFIER}-of-the-part`;
    const { sha256 } = context.digests;
    const part = await deriveTask(context, {
      caller: CALLER,
      agent,
      publicClient: false,
      request: { answer: sha256(TASK_VERIFIER), codeChallenge: sha256(verifier), scope: [] },
      resources: [],
      detailed: false,
      refreshAllowed: false,
      parentToken: parent.access.value,
      origin: 'token_exchange',
    });
    const bearer = await resolved(context, part);
    const proof = { bearer, codeVerifier: verifier, keyThumbprint: undefined };
    await expect(rotate(agent.clientId, { proof })).rejects.toMatchObject({ code: 'forbidden' });
  });

  test('cannot do so in the name of the person whose task it works on', async () => {
    const { agent, proof } = await ownProof();
    const token = { ...proof.bearer.token, subject: 'usr_someone' };
    const delegated = { ...proof, bearer: { ...proof.bearer, token } };
    await expect(rotate(agent.clientId, { proof: delegated })).rejects.toMatchObject({ code: 'forbidden' });
  });
});
