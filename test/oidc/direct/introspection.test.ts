import { describe, expect, test } from '@jest/globals';
import { asAdmin } from '../../support/parties.ts';
import type { Form } from '../../support/requests.ts';
import { open } from '../../support/token-requests.ts';
import { bothWaysScene, essence } from './both-ways.ts';

const { on, bothWays } = bothWaysScene();

describe('the direct way and the engine', () => {
  test('give the same answer about any token', async () => {
    const refreshing = await open(on.server, on.agent);
    const detailed = await open(on.server, on.agent, {
      authorization_details: JSON.stringify([{ type: 'agent_task', actions: ['search'] }]),
    });
    const ended = await open(on.server, on.agent);
    await asAdmin(on.server, 'POST', `/api/admin/tokens/${ended.tokenId}/revoke`, {});
    const tokens = {
      root: on.root.token,
      child: on.child.token,
      'a refresh token': refreshing.body.refresh_token,
      'with details': detailed.token,
      revoked: ended.token,
      unknown: 'nonsense',
      empty: '',
      twice: [on.root.token, on.root.token],
      none: undefined,
    };
    const more: Form[] = [
      {},
      { token_type_hint: 'refresh_token' },

      { include_children: 'true' },
    ];
    for (const [name, token] of Object.entries(tokens)) {
      for (const extra of more) {
        for (const who of [on.agent, on.other]) {
          const [direct, engine] = await bothWays('/api/oauth/introspect', { token, ...extra }, { who });
          expect({ name, answer: direct.text }).toEqual({ name, answer: engine.text });
          expect(essence(direct)).toEqual(essence(engine));
          const [checked, byEngine] = await bothWays('/api/oauth/verify', { token, ...extra }, { who });
          expect({ name, answer: checked.text }).toEqual({ name, answer: byEngine.text });
        }
      }
    }
    const { text } = (await bothWays('/api/oauth/introspect', { token: on.root.token }))[0];
    expect(JSON.parse(text)).toMatchObject({
      active: true,
      sub: on.agent.clientId,
      task_id: on.root.taskId,
    });
  });
});
