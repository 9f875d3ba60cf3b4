import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type AgentParty, asAdmin, registerAgent } from '../support/parties.ts';
import { bearer, postJson, send } from '../support/requests.ts';
import { startServer, type TestServer } from '../support/server.ts';
import {
  ALIVE,
  clientCredentials,
  DEAD,
  delegate,
  derive,
  eventually,
  introspect,
  liveness,
  open,
  type OpenTask,
  requestToken,
  revoke,
  tokenExchange,
} from '../support/token-requests.ts';

describe.each(['sqlite', 'postgres'] as const)('an orchestrator and its agents, on %s', (database) => {
  let server: TestServer;
  let orchestrator: AgentParty;
  let researcher: AgentParty;
  let writer: AgentParty;
  let root: OpenTask;
  let research: OpenTask;
  let writing: OpenTask;
  let reading: OpenTask;
  let checking: OpenTask;

  beforeAll(async () => {
    server = await startServer({ database });
    orchestrator = await registerAgent(server, {
      agent_name: 'Orchestrator',
      grant_types: ['client_credentials', 'refresh_token', 'urn:ietf:params:oauth:grant-type:token-exchange'],
    });
    researcher = await registerAgent(server, { agent_name: 'Researcher' });
    writer = await registerAgent(server, { agent_name: 'Writer' });
    const delegates = [researcher.clientId, writer.clientId];
    root = await open(server, orchestrator, {
      task_description: 'Write the quarterly report',
      scope: 'reports:read reports:write',
      delegates,
    });
    research = await delegate(server, root, researcher, { scope: 'reports:read', required_tools: 'search' });
    writing = await delegate(server, root, writer, {
      scope: 'reports:write',
      delegates: researcher.clientId,
    });
    reading = await derive(server, research, { task_description: 'Read the figures' });
    checking = await delegate(server, writing, researcher, { task_description: 'Check the figures' });
  });
  afterAll(() => server.stop());

  test('[S23] [S26] hands narrower tasks down, two levels deep, each with its place in the lineage', async () => {
    expect(research.body).toMatchObject({ scope: 'reports:read', granted_tools: ['search'] });
    expect(reading.body).toMatchObject({
      scope: 'reports:read',
      granted_tools: ['search'],
      parent_task_id: research.taskId,
      parent_token_id: research.tokenId,
      task: { root: root.taskId, depth: 2, parent: { id: research.taskId, depth: 1 } },
    });
    expect(checking.body.task.lineage.map(({ client }: { client: string }) => client)).toEqual([
      orchestrator.clientId,
      writer.clientId,
    ]);
    expect(checking.body.task.lineage.map(({ via }: { via: string }) => via)).toEqual([
      root.tokenId,
      writing.tokenId,
    ]);
    expect(await introspect(server, orchestrator, checking.token)).toMatchObject({
      sub: orchestrator.clientId,
      txn: root.taskId,
      act: { sub: researcher.clientId, act: { sub: writer.clientId } },
    });
  });

  test('[R20] shows the chain with what each edge narrowed, and what was refused on the way', async () => {
    const refused = await tokenExchange(server, researcher, research.token, {
      code_verifier: research.verifier,
      scope: 'reports:read reports:write',
    });
    expect(refused.body).toMatchObject({ error: 'invalid_scope', task_error: 'not_subset' });
    const chain = await eventually(
      () => asAdmin(server, 'GET', `/api/admin/audit/task-chain/${reading.taskId}`),
      ({ body }) => body.task_details[1].refused_widenings.length > 0,
    );
    expect(chain.body).toMatchObject({
      root_task_id: root.taskId,
      task_chain: [root.taskId, research.taskId, reading.taskId],
      task_details: [
        { scope_before: null, scope_after: 'reports:read reports:write' },
        {
          scope_before: 'reports:read reports:write',
          scope_after: 'reports:read',
          refused_widenings: [
            { client_id: researcher.clientId, status: 'refused', details: { refused: ['reports:write'] } },
          ],
        },
        { scope_before: 'reports:read', via_token_id: research.tokenId },
      ],
    });
  });

  test('every door takes the tokens of every level', async () => {
    for (const task of [root, research, writing, reading, checking]) {
      expect(await liveness(server, task)).toEqual(ALIVE);
    }
  });

  test('[S25] one revocation ends a branch at every door and leaves the other alone', async () => {
    const { body } = await revoke(server, orchestrator, writing.token, { reason: 'off the rails' });
    expect(body).toEqual({
      revoked: true,
      token_id: writing.tokenId,
      affected_child_tokens: 1,
      affected_truncated: false,
    });
    for (const task of [writing, checking]) expect(await liveness(server, task)).toEqual(DEAD);
    for (const task of [root, research, reading]) expect(await liveness(server, task)).toEqual(ALIVE);
    const row = await asAdmin(server, 'GET', `/api/admin/tokens/${checking.tokenId}`);
    expect(row.body).toMatchObject({ is_revoked: true, revoked_through: 'token', revoked_at: null });
  });

  test('[S24] nothing can be derived from an ended branch any more', async () => {
    const again = await tokenExchange(server, researcher, checking.token, {
      code_verifier: checking.verifier,
    });
    expect(again.body).toMatchObject({ error: 'invalid_request', task_error: 'parent_revoked' });
  });

  test('[S25] [R2] completing the root ends everything below it, refresh tokens included', async () => {
    const path = `/api/tasks/${root.taskId}/complete`;
    const wrong = await postJson(server, path, {}, bearer(root.token));
    expect(wrong.status).toBe(403);
    const done = await postJson(server, path, { code_verifier: root.verifier }, bearer(root.token));
    expect(done.body).toMatchObject({ task_id: root.taskId, state: 'completed' });
    for (const task of [root, research, reading]) expect(await liveness(server, task)).toEqual(DEAD);
    const refresh = await requestToken(server, orchestrator, {
      grant_type: 'refresh_token',
      refresh_token: root.body.refresh_token,
      code_verifier: root.verifier,
    });
    expect(refresh.body).toMatchObject({ error: 'invalid_grant' });
    const { body } = await asAdmin(server, 'GET', `/api/admin/audit/task/${root.taskId}`);
    const types = body.history.map(({ event_type: type }: { event_type: string }) => type);
    expect(types[0]).toBe('task_opened');
    expect(types).toContain('task_completed');
  });

  test('[R2] failing a task needs its verifier too, and says why it ended', async () => {
    const task = await open(server, researcher);
    const below = await derive(server, task);
    const failed = await postJson(
      server,
      `/api/tasks/${task.taskId}/fail`,
      { code_verifier: task.verifier, reason: 'the source is gone' },
      bearer(task.token),
    );
    expect(failed.body).toMatchObject({ state: 'failed', affected_child_tokens: 1 });
    expect(await liveness(server, below)).toEqual(DEAD);
    const { body } = await asAdmin(server, 'GET', `/api/tasks/${task.taskId}`);
    expect(body).toMatchObject({ state: 'failed', ended_reason: 'the source is gone' });
    const rejoin = await clientCredentials(server, researcher, {
      task_id: task.taskId,
      code_verifier: task.verifier,
    });
    expect(rejoin.body).toMatchObject({ error: 'invalid_grant', task_error: 'task_not_active' });
  });

  test('[R20] the owner sees the tree of a task, page by page', async () => {
    const task = await open(server, orchestrator, { delegates: writer.clientId });
    const below = await delegate(server, task, writer);
    const deeper = await derive(server, below);
    const first = await send(server, `/api/tasks/${task.taskId}/tree?limit=2`, {
      headers: bearer(task.token),
    });
    const ids = (body: { tasks: { task_id: string }[] }) => body.tasks.map((row) => row.task_id);
    expect(ids(first.body)).toEqual([task.taskId, below.taskId]);
    const more = `/api/tasks/${task.taskId}/tree?limit=2&cursor=${first.body.next_cursor}`;
    expect(ids((await send(server, more, { headers: bearer(task.token) })).body)).toEqual([deeper.taskId]);
  });
});
