import { describe, expect, test } from '@jest/globals';
import { pkce, registerResourceServer } from '../../support/parties.ts';
import { setPolicies } from '../../support/policies.ts';
import type { Form } from '../../support/requests.ts';
import { clientCredentials, open, tokenExchange } from '../../support/token-requests.ts';
import { DENIED, policiesScene, RULE } from './scene.ts';

const { on, join } = policiesScene();

describe('resources', () => {
  test('only those that are allowed, audiences and names', async () => {
    const api = await registerResourceServer(on.server);
    const task = await open(on.server, on.agent, {
      resource: [on.server.defaultAudience, api.audience],
    });
    setPolicies(on.server, [
      { ...RULE, kind: 'allowed_resources', effect: 'allow', audiences: ['{issuer}/**'], resources: ['q1'] },
    ]);
    const ask = (form: Form) => clientCredentials(on.server, on.agent, { ...pkce().parameters, ...form });
    expect(await ask({ resource: api.audience, required_resources: 'q1' })).toMatchObject(DENIED);
    expect(await ask({ required_resources: 'q2' })).toMatchObject(DENIED);
    expect((await ask({ required_resources: 'q1' })).body.granted_resources).toEqual(['q1']);
    expect(await join(task, { resource: api.audience, required_resources: 'q1' })).toMatchObject(DENIED);
    const narrower = await join(task, { resource: on.server.defaultAudience, required_resources: 'q1' });
    expect(narrower.status).toBe(200);
  });
});

describe('tools', () => {
  test('a child may be refused a tool that its parent holds', async () => {
    const parent = await open(on.server, on.agent, { required_tools: ['search', 'mail'] });
    setPolicies(on.server, [
      { ...RULE, kind: 'tool_lists', effect: 'deny', tools: ['mail'], match: { steps: ['derive'] } },
    ]);
    const ask = (tools: string) =>
      tokenExchange(on.server, on.agent, parent.token, {
        code_verifier: parent.verifier,
        required_tools: tools,
      });
    expect(await ask('mail')).toMatchObject(DENIED);
    expect((await ask('search')).body.granted_tools).toEqual(['search']);
    // What is left out is inherited, and so is asked for.
    expect(
      await tokenExchange(on.server, on.agent, parent.token, { code_verifier: parent.verifier }),
    ).toMatchObject(DENIED);
  });
});
