import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { browserOf } from '../support/browser-session.ts';
import { authorize, CALLBACK } from '../support/code-flow.ts';
import { administer, type AgentParty, createPerson, pkce, registerAgent } from '../support/parties.ts';
import { startServer, type TestServer } from '../support/server.ts';
import {
  clientCredentials,
  DEAD,
  delegate,
  handOff,
  introspect,
  liveness,
  open,
  type OpenTask,
  redeem,
  revoke,
  TOKEN_EXCHANGE,
  tokenExchange,
} from '../support/token-requests.ts';

/** Cause: keycloak #51633 (an ended chain could be extended) and #52691 (leaving actor_token out skipped the actor). */
let server: TestServer;
let first: AgentParty;
let second: AgentParty;
let third: AgentParty;

beforeAll(async () => {
  server = await startServer();
  const grant_types = ['authorization_code', 'refresh_token', 'client_credentials', TOKEN_EXCHANGE];
  first = await registerAgent(server, { grant_types, redirect_uris: [CALLBACK] });
  second = await registerAgent(server);
  third = await registerAgent(server);
});
afterAll(() => server.stop());

/** A chain over two agents whose last task may be handed to the third. */
async function chain(root: OpenTask): Promise<OpenTask> {
  return delegate(server, root, second, { delegates: third.clientId });
}

/** Both others may be handed something. */
const delegates = () => ({ delegates: `${second.clientId} ${third.clientId}` });

describe('a chain whose root was revoked', () => {
  test('could be extended by exchanging a descendant (keycloak #51633): now no door extends it', async () => {
    const root = await open(server, first, delegates());
    const below = await chain(root);
    const voucher = await handOff(server, below, third);
    await revoke(server, first, root.token);

    const proof = pkce().parameters;
    const ended = { task_error: 'parent_revoked' };
    expect((await tokenExchange(server, third, below.token, proof)).body).toMatchObject(ended);
    expect((await tokenExchange(server, third, voucher, proof)).body).toMatchObject(ended);
    const own = { code_verifier: below.verifier };
    expect((await tokenExchange(server, second, below.token, own)).body).toMatchObject(ended);
    expect(
      (await clientCredentials(server, second, { parent_token: below.token, ...own })).body,
    ).toMatchObject(ended);
    const handing = { delegate_to: third.clientId, ...own };
    expect((await tokenExchange(server, second, below.token, handing)).body).toMatchObject(ended);
    expect(await liveness(server, below)).toEqual(DEAD);
  });
});

describe('a token that acts for somebody', () => {
  test('lost its actors when actor_token was left out (keycloak #52691): now the chain is always told', async () => {
    const browser = browserOf(server, await createPerson(server));
    const form = { scope: 'reports:read', ...delegates() };
    const root = await authorize(server, { agent: first, browser, form });
    const below = await chain(root);
    const last = await redeem(server, third, await handOff(server, below, third));
    const { act, sub } = await introspect(server, first, last.token);
    expect(act).toEqual({ sub: third.clientId, act: { sub: second.clientId, act: { sub: first.clientId } } });
    expect(sub).toBe((await introspect(server, first, root.token)).sub);
  });

  test('could be exchanged on after its actor was cut off (keycloak #52691): now its chain has ended', async () => {
    const actor = await registerAgent(server);
    const root = await open(server, first, { delegates: [actor.clientId, third.clientId] });
    const below = await delegate(server, root, actor, { delegates: third.clientId });
    const voucher = await handOff(server, below, third);
    await administer(server, 'DELETE', `/api/agents/${actor.clientId}`);
    for (const parent of [below.token, voucher]) {
      const { body } = await tokenExchange(server, third, parent, pkce().parameters);
      expect(body).toMatchObject({ task_error: 'parent_revoked' });
    }
    expect(await liveness(server, below)).toEqual(DEAD);
  });

  test('is not exchanged by somebody who only names another’s token as the actor', async () => {
    const root = await open(server, first, { delegates: second.clientId });
    const actor = await open(server, second);
    const form = {
      actor_token: actor.token,
      actor_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    };
    const { body } = await tokenExchange(server, third, root.token, { ...form, ...pkce().parameters });
    expect(body).toMatchObject({ error: 'invalid_request', task_error: 'actor_not_permitted' });
  });
});
