import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type AgentParty, registerAgent } from '../support/parties.ts';
import { bearer, postJson, send } from '../support/requests.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { open } from '../support/token-requests.ts';

let server: TestServer;
let agent: AgentParty;

beforeAll(async () => {
  server = await startServer();
  agent = await registerAgent(server);
});
afterAll(() => server.stop());

describe('the tree below a task', () => {
  test('siblings come out of the tree in the order in which they were made', async () => {
    const parent = await open(server, agent);
    const made: string[] = [];
    for (const number of [1, 2, 3, 4, 5]) {
      const answer = await postJson(
        server,
        '/api/oauth/token',
        {
          grant_type: 'client_credentials',
          parent_token: parent.token,
          code_verifier: parent.verifier,
          task_description: `child ${number}`,
        },
        agent.headers,
      );
      made.push(answer.body.task_id);
    }
    const tree = await send(server, `/api/tasks/${parent.taskId}/tree`, { headers: bearer(parent.token) });
    expect(tree.body.tasks.map((row: { task_id: string }) => row.task_id)).toEqual([parent.taskId, ...made]);
  });
});
