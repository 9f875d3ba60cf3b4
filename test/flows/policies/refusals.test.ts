import { describe, expect, test } from '@jest/globals';
import { pkce } from '../../support/parties.ts';
import { setPolicies } from '../../support/policies.ts';
import {
  auditEvents,
  delegate,
  derive,
  open,
  requestToken,
  tokenExchange,
} from '../../support/token-requests.ts';
import { DENIED, policiesScene, RULE } from './scene.ts';

const { on } = policiesScene();

describe('refusals of policies', () => {
  test('are on record with the policy, its reason and whose child was refused', async () => {
    const parent = await open(on.server, on.agent);
    setPolicies(on.server, [
      {
        ...RULE,
        kind: 'tool_lists',
        effect: 'deny',
        tools: ['*'],
        name: 'no-tools',
        match: { clients: [on.other.clientId] },
      },
      { ...RULE, kind: 'tool_lists', effect: 'deny', tools: ['*'] },
    ]);
    const refused = await tokenExchange(on.server, on.agent, parent.token, {
      code_verifier: parent.verifier,
    });
    expect(refused).toMatchObject(DENIED);
    const [event] = await auditEvents(on.server, { task_id: parent.taskId, event_type: 'token_refused' });
    expect(event).toMatchObject({
      client_id: on.agent.clientId,
      status: 'refused',
      details: {
        task_error: 'policy_denied',
        parent_token_id: parent.tokenId,
        policy: [{ ...RULE, effect: 'deny' }],
      },
    });
  });

  test('come from the engine in the same words as from the direct way', async () => {
    setPolicies(on.server, [{ ...RULE, kind: 'tool_lists', effect: 'allow', tools: [] }]);
    // RFC 6749 §2.3.1: an id may be percent-encoded, which only the engine reads.
    const encoded = `%${on.agent.clientId.charCodeAt(0).toString(16)}${on.agent.clientId.slice(1)}`;
    const credentials = Buffer.from(`${encoded}:${on.agent.clientSecret}`).toString('base64');
    const byEngine = { headers: { authorization: `Basic ${credentials}` } };
    const form = { grant_type: 'client_credentials', ...pkce().parameters };
    const [direct, engine] = [
      await requestToken(on.server, on.agent, form),
      await requestToken(on.server, byEngine, form),
    ];
    expect(direct).toMatchObject(DENIED);
    expect(engine.body).toEqual(direct.body);
    expect(engine.status).toBe(direct.status);
    const events = await auditEvents(
      on.server,
      { client_id: on.agent.clientId, event_type: 'token_refused' },
      2,
    );
    expect(events[0].details.policy).toEqual([{ ...RULE, effect: 'deny' }]);
    expect(events[1].details.policy).toEqual([{ ...RULE, effect: 'deny' }]);
  });

  test('hold for everyone who asks at the same time', async () => {
    setPolicies(on.server, [{ ...RULE, kind: 'max_depth', maxDepth: 1 }]);
    const root = await open(on.server, on.agent, { delegates: on.other.clientId });
    const children = await Promise.all(
      Array.from({ length: 12 }, (_, i) =>
        i % 2 === 0 ? derive(on.server, root) : delegate(on.server, root, on.other),
      ),
    );
    for (const child of children) expect(child.body.task.max_depth).toBe(0);
    const below = await Promise.all(
      children.map((child) =>
        tokenExchange(on.server, child.agent, child.token, { code_verifier: child.verifier }),
      ),
    );
    for (const answer of below) expect(answer.body.task_error).toBe('max_depth_exceeded');
  });
});
