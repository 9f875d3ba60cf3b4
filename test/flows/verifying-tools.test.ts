import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type AgentParty, registerAgent } from '../support/parties.ts';
import { postForm } from '../support/requests.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { auditEvents, open } from '../support/token-requests.ts';

let server: TestServer;
let agent: AgentParty;

beforeAll(async () => {
  server = await startServer();
  agent = await registerAgent(server);
});
afterAll(() => server.stop());

const verify = async (form: Record<string, string>) =>
  (await postForm(server, '/api/oauth/verify', form, agent.headers)).body;

describe('asking whether a token may use a tool', () => {
  test('is answered from what the token was granted, and recorded', async () => {
    const { token, taskId } = await open(server, agent, { required_tools: 'search' });
    expect(await verify({ token, tool: 'search' })).toMatchObject({
      is_valid: true,
      tool_access_valid: true,
    });
    expect(await verify({ token, tool: 'mail' })).toMatchObject({ is_valid: true, tool_access_valid: false });
    expect(await verify({ token })).not.toHaveProperty('tool_access_valid');
    const events = await auditEvents(server, { task_id: taskId, event_type: 'tool_access_verification' }, 2);
    expect(events.map(({ status }: { status: string }) => status).sort()).toEqual(['refused', 'success']);
  });

  test('of a token that is not live is no', async () => {
    expect(await verify({ token: 'unknown', tool: 'search' })).toEqual({
      is_valid: false,
      task_context_valid: false,
      parent_valid: false,
      scope_inheritance_valid: false,
      tool_access_valid: false,
    });
  });
});
