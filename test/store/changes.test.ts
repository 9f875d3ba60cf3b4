import { beforeEach, expect, test } from '@jest/globals';
import type { Change } from '../../src/app/unit-of-work.ts';
import { DomainError } from '../../src/domain/errors.ts';
import type { ResourceServer } from '../../src/domain/resource-server.ts';
import { createStore, type DatabaseStore } from '../../src/store/store.ts';
import { anAgent, anId, aTask, aToken, aUnit, aUser, T0 } from '../support/fixtures.ts';
import { onEveryDatabase } from './databases.ts';

const miss = new DomainError('conflict', 'the row is not in the expected state');
const HOUR = 3_600_000;

onEveryDatabase('each kind of change', (open) => {
  let store: DatabaseStore;
  beforeEach(() => {
    store = createStore(open());
  });

  const commit = (...changes: Change[]) => store.commit(aUnit(changes));
  const refused = (...changes: Change[]) => expect(commit(...changes)).rejects.toBe(miss);

  async function aStoredTask(over: Parameters<typeof aTask>[0] = {}) {
    const task = aTask(over);
    await commit({ do: 'insert_task', task, miss });
    return task;
  }

  async function aStoredAgent(over: Parameters<typeof anAgent>[0] = {}) {
    const agent = anAgent(over);
    await commit({ do: 'insert_agent', agent, miss });
    return agent;
  }

  test('insert_task misses for an id that was ever used', async () => {
    const task = await aStoredTask();
    await refused({ do: 'insert_task', task: aTask({ taskId: task.taskId }), miss });
    await open().knex('tasks').where('handle', task.handle).delete();
    await refused({ do: 'insert_task', task: aTask({ taskId: task.taskId }), miss });
  });

  test('count_child misses at the maximum, after the end, after the expiry and for an unknown task', async () => {
    const child = (handle: string): Change => ({ do: 'count_child', handle, miss });
    const open = await aStoredTask({ maxChildren: 1 });
    await commit(child(open.handle));
    await refused(child(open.handle));
    expect((await store.tasks.byHandle(open.handle))?.childCount).toBe(1);
    await refused(child((await aStoredTask({ state: 'completed' })).handle));
    await refused(child((await aStoredTask({ expiresAt: T0 })).handle));
    await refused(child('unknown'));
  });

  test('require_active_task misses after the end, after the expiry and for an unknown task', async () => {
    const required = (handle: string): Change => ({ do: 'require_active_task', handle, miss });
    await commit(required((await aStoredTask()).handle));
    await refused(required((await aStoredTask({ state: 'failed' })).handle));
    await refused(required((await aStoredTask({ expiresAt: T0 })).handle));
    await refused(required('unknown'));
  });

  test('end_task ends an active task once', async () => {
    const task = await aStoredTask();
    const end = (state: 'completed' | 'revoked', or: DomainError | null): Change => {
      return { do: 'end_task', handle: task.handle, state, reason: state, at: T0 + 1, miss: or };
    };
    await commit(end('completed', miss));
    const ended = { ...task, state: 'completed', endedAt: T0 + 1, endedReason: 'completed' };
    expect(await store.tasks.byHandle(task.handle)).toEqual(ended);
    await refused(end('revoked', miss));
    await commit(end('revoked', null));
    expect(await store.tasks.byHandle(task.handle)).toEqual(ended);
  });

  test('insert_token keeps every member of a token', async () => {
    const task = await aStoredTask();
    const token = aToken(task, {
      kind: 'refresh',
      digest: null,
      format: 'jwt',
      audience: null,
      delegateTo: 'agent-b',
      detailed: true,
      generation: 3,
      keyThumbprint: 'thumb',
      resources: ['folder "a"', 'ü'],
    });
    await commit(
      { do: 'insert_token', token },
      { do: 'insert_token', token: aToken(task, { digest: null }) },
    );
    expect(await store.tokens.byId(token.tokenId)).toEqual(token);
  });

  test('consume_token misses the second time and for an unknown token', async () => {
    const task = await aStoredTask();
    const token = aToken(task);
    const consume: Change = {
      do: 'consume_token',
      tokenId: token.tokenId,
      at: T0 + 1,
      redeemedAs: 'child',
      miss,
    };
    await refused(consume);
    await commit({ do: 'insert_token', token }, consume);
    await refused({ ...consume, at: T0 + 2 });
    expect(await store.tokens.byId(token.tokenId)).toEqual({
      ...token,
      consumedAt: T0 + 1,
      redeemedAs: 'child',
    });
  });

  test('insert_agent misses for a client id that is taken', async () => {
    const agent = await aStoredAgent({
      audiences: ['https://api.example.com'],
      maxDepth: 2,
      challengeWaived: true,
    });
    expect(await store.agents.byId(agent.clientId)).toEqual(agent);
    await refused({ do: 'insert_agent', agent: anAgent({ clientId: agent.clientId }), miss });
  });

  test('update_agent sets what is given, and misses when the epoch has moved on', async () => {
    const agent = await aStoredAgent({ audiences: ['https://api.example.com'] });
    const update = (expectEpoch: number, set: Extract<Change, { do: 'update_agent' }>['set']): Change => {
      return { do: 'update_agent', clientId: agent.clientId, expectEpoch, set, miss };
    };
    await commit(update(0, { state: 'suspended', epoch: 1, audiences: null, tools: ['fetch'] }));
    const expected = { ...agent, state: 'suspended', epoch: 1, audiences: null, tools: ['fetch'] };
    expect(await store.agents.byId(agent.clientId)).toEqual(expected);
    await refused(update(0, { name: 'late' }));
    await refused(update(0, {}));
    await commit(update(1, {}));
    expect(await store.agents.byId(agent.clientId)).toEqual(expected);
  });

  test('expire_secrets ends all secrets but one, and none later than it would end anyway', async () => {
    const { clientId } = await aStoredAgent();
    const secret = (id: string, expiresAt: number | null): Change => ({
      do: 'insert_secret',
      secret: { id: `${clientId}-${id}`, clientId, digest: id, createdAt: T0, expiresAt },
    });
    await commit(
      secret('old', null),
      secret('older', T0 + 5),
      secret('oldest', T0 + HOUR),
      secret('new', null),
    );
    await commit({ do: 'expire_secrets', clientId, except: `${clientId}-new`, at: T0 + 10 });
    expect(await digestsAt(T0)).toEqual(['new', 'old', 'older', 'oldest']);
    expect(await digestsAt(T0 + 5)).toEqual(['new', 'old', 'oldest']);
    expect(await digestsAt(T0 + 10)).toEqual(['new']);
    await commit({ do: 'expire_secrets', clientId, except: null, at: T0 + 20 });
    expect(await digestsAt(T0 + 20)).toEqual([]);

    async function digestsAt(now: number) {
      return (await store.agents.secrets(clientId, now)).map(({ digest }) => digest).sort();
    }
  });

  test('consume_registration_token misses the second time, after the expiry and for an unknown one', async () => {
    const agent = await aStoredAgent();
    const digest = anId();
    const consume: Change = { do: 'consume_registration_token', digest, at: T0 + 1, miss };
    await commit({ do: 'insert_registration_token', digest, clientId: agent.clientId, expiresAt: T0 + 10 });
    await refused({ ...consume, digest: 'unknown' });
    await refused({ ...consume, at: T0 + 10 });
    expect(await store.agents.byRegistrationToken(digest)).toEqual({
      agent,
      expiresAt: T0 + 10,
      consumedAt: null,
    });
    await commit(consume);
    await refused(consume);
    expect(await store.agents.byRegistrationToken(digest)).toMatchObject({ consumedAt: T0 + 1 });
  });

  test('insert_user misses for an address that is taken', async () => {
    const user = aUser();
    await commit({ do: 'insert_user', user, passwordHash: 'hash', miss });
    expect(await store.users.byEmail(user.email)).toEqual({ ...user, passwordHash: 'hash' });
    expect(await store.users.byId(user.userId)).toEqual(user);
    await refused({ do: 'insert_user', user: aUser({ email: user.email }), passwordHash: 'other', miss });
  });

  test('update_user sets what is given, and misses when the epoch or what was read has moved on', async () => {
    const user = aUser();
    const { userId, name, state, permissions } = user;
    await commit({ do: 'insert_user', user, passwordHash: 'hash', miss });
    const set = { passwordHash: 'new', epoch: 1, permissions: [] };
    const asRead = { name, state, permissions };
    await commit({ do: 'update_user', userId, expectEpoch: 0, expect: asRead, set, miss });
    const changed = { name, state, permissions: [] };
    expect(await store.users.byEmail(user.email)).toEqual({ ...user, ...set });
    await refused({ do: 'update_user', userId, expectEpoch: 0, expect: changed, set: {}, miss });
    await refused({ do: 'update_user', userId, expectEpoch: 1, expect: asRead, set: {}, miss });
    await refused({ do: 'update_user', userId: 'nobody', expectEpoch: 1, expect: changed, set: {}, miss });
    await commit({ do: 'update_user', userId, expectEpoch: 1, expect: changed, set: {}, miss });
  });

  test('resource servers own their audiences alone', async () => {
    const first = aServer(['https://one.example.com', 'https://two.example.com']);
    const second = aServer(['https://three.example.com']);
    await commit({ do: 'insert_resource_server', server: first, miss });
    await commit({ do: 'insert_resource_server', server: second, miss });
    await refused({ do: 'insert_resource_server', server: aServer(['https://two.example.com']), miss });
    await refused({ do: 'insert_resource_server', server: { ...first, audiences: [] }, miss });
    const greedy = { ...second, audiences: ['https://two.example.com'] };
    await refused({ do: 'update_resource_server', server: greedy, miss });
    expect(await store.resourceServers.byClientId(second.clientId)).toEqual(second);
    expect(await store.resourceServers.byAudience('https://two.example.com')).toEqual(first);

    const changed = {
      ...first,
      audiences: ['https://two.example.com', 'https://four.example.com'],
      scopes: null,
    };
    await commit({ do: 'update_resource_server', server: changed, miss });
    expect(await store.resourceServers.byClientId(first.clientId)).toEqual(changed);
    expect(await store.resourceServers.byAudience('https://one.example.com')).toBeUndefined();
    await commit({ do: 'delete_resource_server', clientId: first.clientId });
    expect(await store.resourceServers.all()).toEqual([second]);
    await commit({ do: 'update_resource_server', server: greedy, miss });
    await refused({ do: 'update_resource_server', server: first, miss });
    await commit({ do: 'delete_resource_server', clientId: second.clientId });
  });

  test('consume_artifact misses the second time and for an unknown artifact', async () => {
    const artifact = anArtifact();
    await store.artifacts.upsert(artifact);
    const consume: Change = {
      do: 'consume_artifact',
      model: artifact.model,
      id: artifact.id,
      at: T0 + 1,
      miss,
    };
    await refused({ ...consume, model: 'Other' });
    await commit(consume);
    await refused({ ...consume, at: T0 + 2 });
    expect(await store.artifacts.find(artifact.model, artifact.id)).toEqual({
      ...artifact,
      consumedAt: T0 + 1,
    });
    await store.artifacts.upsert(artifact);
    await refused(consume);
  });

  test('delete_artifact and delete_artifacts_of_grant remove what they name', async () => {
    const grantId = anId();
    const [code, session, other] = [anArtifact({ grantId }), anArtifact({ grantId }), anArtifact()];
    for (const artifact of [code, session, other]) await store.artifacts.upsert(artifact);
    const { model, id } = code;
    await commit({ do: 'delete_artifact', model, id, miss });
    await refused({ do: 'delete_artifact', model, id, miss });
    await commit({ do: 'delete_artifact', model, id, miss: null });
    expect(await store.artifacts.find(code.model, code.id)).toBeUndefined();
    expect(await store.artifacts.find(session.model, session.id)).toEqual(session);
    await commit({ do: 'delete_artifacts_of_grant', grant: grantId });
    expect(await store.artifacts.find(session.model, session.id)).toBeUndefined();
    expect(await store.artifacts.find(other.model, other.id)).toEqual(other);
  });
});

function aServer(audiences: string[]): ResourceServer {
  return {
    clientId: `server-${anId()}`,
    name: 'Reports',
    audiences,
    scopes: ['reports:read'],
    tokenFormat: 'jwt',
    createdAt: T0,
  };
}

function anArtifact(over: { grantId?: string } = {}) {
  return {
    model: 'AuthorizationCode',
    id: anId(),
    payload: { kind: 'AuthorizationCode', nested: { list: [1, 'two'] } },
    grantId: null,
    uid: null,
    accountId: null,
    clientId: 'agent-a',
    consumedAt: null,
    expiresAt: T0 + HOUR,
    ...over,
  };
}
