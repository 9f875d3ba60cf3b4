import { describe, expect, test } from '@jest/globals';
import { pkce } from '../../support/parties.ts';
import { setPolicies } from '../../support/policies.ts';
import { auditEvents, derive, handOff, open, redeem, tokenExchange } from '../../support/token-requests.ts';
import { DENIED, policiesScene, RULE } from './scene.ts';

const { on, takeOver } = policiesScene();

describe('pairs of clients', () => {
  const pairs = (effect: string, parent: string, child: string, more: object = {}) => ({
    ...RULE,
    kind: 'delegate_pairs',
    effect,
    pairs: [{ parent, child }],
    ...more,
  });

  test('one that is allowed derives though the parent names nobody, and the audit trail says why', async () => {
    const parent = await open(on.server, on.agent);
    expect((await takeOver(parent, on.other)).body.task_error).toBe('actor_not_permitted');
    setPolicies(on.server, [pairs('allow', on.agent.clientId, on.other.clientId)]);
    const { status, body } = await takeOver(parent, on.other);
    expect(status).toBe(200);
    expect((await takeOver(parent, on.third)).body.task_error).toBe('actor_not_permitted');
    const [issued] = await auditEvents(on.server, {
      token_id: body.token_id,
      event_type: 'token_exchanged',
    });
    expect(issued.details.policy).toEqual([{ ...RULE, effect: 'allow' }]);
    const [derived] = await auditEvents(on.server, { task_id: body.task_id, event_type: 'task_derived' });
    expect(derived.details.policy).toEqual([{ ...RULE, effect: 'allow' }]);
  });

  test('the older setting still allows pairs', async () => {
    const parent = await open(on.server, on.agent);
    setPolicies(on.server, [], [{ parent: on.agent.clientId, child: on.other.clientId }]);
    expect((await takeOver(parent, on.other)).status).toBe(200);
    expect((await takeOver(parent, on.third)).body.task_error).toBe('actor_not_permitted');
  });

  test('allowing one never widens what the parent token holds', async () => {
    setPolicies(on.server, [pairs('allow', '*', '*')]);
    const parent = await open(on.server, on.agent, { scope: 'reports:read', required_tools: 'search' });
    const wider = await takeOver(parent, on.other, { scope: 'reports:read reports:write' });
    expect(wider.body).toMatchObject({ error: 'invalid_scope', task_error: 'not_subset' });
    const tools = await takeOver(parent, on.other, { required_tools: 'mail' });
    expect(tools.body.task_error).toBe('not_subset');
    const child = await takeOver(parent, on.other);
    expect(child.body).toMatchObject({ scope: 'reports:read', granted_tools: ['search'] });
  });

  test('one that is allowed for some rights derives with these and with no others', async () => {
    setPolicies(on.server, [pairs('allow', on.agent.clientId, '*', { match: { scopes: ['reports:read'] } })]);
    const parent = await open(on.server, on.agent, { scope: 'reports:read reports:write' });
    expect((await takeOver(parent, on.other)).body.task_error).toBe('actor_not_permitted');
    expect((await takeOver(parent, on.other, { scope: 'reports:write' })).status).toBe(400);
    expect((await takeOver(parent, on.other, { scope: 'reports:read' })).body.scope).toBe('reports:read');
  });

  test('one that is denied does not derive though the parent names it, nor by a hand-off token', async () => {
    const parent = await open(on.server, on.agent, { delegates: on.other.clientId });
    const voucher = await handOff(on.server, parent, on.other);
    setPolicies(on.server, [pairs('deny', on.agent.clientId, on.other.clientId)]);
    expect(await takeOver(parent, on.other)).toMatchObject(DENIED);
    expect(await tokenExchange(on.server, on.other, voucher, pkce().parameters)).toMatchObject(DENIED);
    const handed = await tokenExchange(on.server, on.agent, parent.token, {
      delegate_to: on.other.clientId,
      code_verifier: parent.verifier,
    });
    expect(handed).toMatchObject(DENIED);
    expect((await derive(on.server, parent)).body.scope).toBe(parent.body.scope);
    setPolicies(on.server, []);
    expect((await redeem(on.server, on.other, voucher)).body.parent_task_id).toBe(parent.taskId);
  });

  test('a denial outweighs an allowance, wherever it stands', async () => {
    const parent = await open(on.server, on.agent);
    const allow = { ...pairs('allow', '*', '*'), name: 'anyone' };
    const deny = pairs('deny', '*', on.other.clientId);
    for (const rules of [
      [allow, deny],
      [deny, allow],
    ]) {
      setPolicies(on.server, rules);
      expect(await takeOver(parent, on.other)).toMatchObject(DENIED);
      expect((await takeOver(parent, on.third)).status).toBe(200);
    }
  });
});
