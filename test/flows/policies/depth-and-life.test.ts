import { describe, expect, test } from '@jest/globals';
import { pkce } from '../../support/parties.ts';
import { setPolicies } from '../../support/policies.ts';
import {
  auditEvents,
  clientCredentials,
  derive,
  open,
  type OpenTask,
  tokenExchange,
} from '../../support/token-requests.ts';
import { DENIED, policiesScene, RULE } from './scene.ts';

const { on, refresh, join } = policiesScene();

describe('depth', () => {
  const rule = (maxDepth: number, match: object = {}) => ({ ...RULE, kind: 'max_depth', maxDepth, match });

  test('a policy sets how deep a tree may grow, and the answers say so', async () => {
    setPolicies(on.server, [rule(1)]);
    const root = await open(on.server, on.agent);
    expect(root.body.task.max_depth).toBe(1);
    const child = await derive(on.server, root);
    expect(child.body.task.max_depth).toBe(0);
    const refused = await tokenExchange(on.server, on.agent, child.token, {
      code_verifier: child.verifier,
    });
    expect(refused.body).toMatchObject({ error: 'invalid_request', task_error: 'max_depth_exceeded' });
    const asked = await clientCredentials(on.server, on.agent, { ...pkce().parameters, max_depth: 2 });
    expect(asked.body.error_description).toBe(
      'max_depth_exceeded: max_depth may be at most 1 here: the policy house-rule says so (as the house says)',
    );
    const [issued] = await auditEvents(on.server, { token_id: root.tokenId, event_type: 'token_issued' });
    expect(issued.details.policy).toEqual([{ ...RULE, effect: 'bound', max_depth: 1 }]);
  });

  test('counts from the root, for those rights alone that it is about', async () => {
    setPolicies(on.server, [rule(1, { scopes: ['reports:write'] })]);
    const root = await open(on.server, on.agent, { scope: 'reports:read', max_depth: 4 });
    expect(root.body.task.max_depth).toBe(4);
    setPolicies(on.server, []);
    const writing = await open(on.server, on.agent, { scope: 'reports:read reports:write' });
    const child = await derive(on.server, writing);
    setPolicies(on.server, [rule(1, { scopes: ['reports:write'] })]);
    const ask = (scope: string) =>
      tokenExchange(on.server, on.agent, child.token, { code_verifier: child.verifier, scope });
    expect(await ask('reports:write')).toMatchObject(DENIED);
    expect((await ask('reports:read')).body.scope).toBe('reports:read');
  });
});

describe('life', () => {
  const rule = (seconds: number) => ({ ...RULE, kind: 'max_lifetime', seconds });
  const secondsLeft = ({ body }: Pick<OpenTask, 'body'>) =>
    body.task.expires_at - Math.floor(on.server.clock.now() / 1000);

  test('a policy ends tasks and tokens earlier, never later', async () => {
    setPolicies(on.server, [rule(120)]);
    const short = await open(on.server, on.agent, { task_expires_in: 3600 });
    expect(short.body.expires_in).toBeLessThanOrEqual(120);
    expect(secondsLeft(short)).toBeLessThanOrEqual(120);
    const shorter = await open(on.server, on.agent, { task_expires_in: 60 });
    expect(secondsLeft(shorter)).toBeLessThanOrEqual(60);
    setPolicies(on.server, [rule(86_400)]);
    expect(secondsLeft(await open(on.server, on.agent))).toBeLessThanOrEqual(3600);
  });

  test('counts from the opening: a task that is older gets nothing any more', async () => {
    const task = await open(on.server, on.agent, { task_expires_in: 3000 });
    setPolicies(on.server, [rule(400)]);
    on.server.clock.advance(300);
    const joined = await join(task);
    expect(joined.body.expires_in).toBeLessThanOrEqual(100);
    expect(joined.body.expires_in).toBeGreaterThan(80);
    on.server.clock.advance(101);
    expect(await join(task)).toMatchObject(DENIED);
    expect(await refresh(task)).toMatchObject(DENIED);
  });
});
