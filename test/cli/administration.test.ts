import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createDatabase, type TestDatabase } from '../support/postgres.ts';
import { createWorkplace, finished, startCli } from './run-cli.ts';

const place = createWorkplace();
afterAll(() => place.remove());

describe.each(['SQLite', 'PostgreSQL'])('migrate on %s', (kind) => {
  let database: TestDatabase | undefined;

  beforeAll(async () => {
    if (kind === 'PostgreSQL') database = await createDatabase('nothing');
  });
  afterAll(() => database?.drop());

  test('goes up, tells the status, and goes down only when told twice', async () => {
    const migrated = createWorkplace(database ? { DATABASE_URL: database.url } : {});
    const names = expect.arrayContaining([expect.stringMatching(/create/)]);
    expect(await migrated.json('migrate', '--status')).toEqual({ applied: [], pending: names });
    expect(await migrated.json('migrate')).toEqual({ applied: names, pending: [] });
    const refused = await migrated.run('migrate', '--down');
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringMatching(/--yes/) });
    expect(await migrated.json('migrate', '--down', '--yes')).toEqual({ applied: [], pending: names });
    migrated.remove();
  });
});

describe('agent', () => {
  let clientId: string;

  beforeAll(async () => {
    const registered = await place.json(
      'agent',
      'register',
      '--name',
      'Reader',
      '--tool',
      'search',
      '--permission',
      'example:read',
      '--permission',
      'reports:*',
    );
    expect(registered).toMatchObject({
      agent: {
        state: 'pending',
        permissions: ['example:read', 'reports:*'],
        default_scope: ['example:read'],
      },
      credentials: { client_secret: expect.stringMatching(/^tgs_/), registration_token: expect.any(String) },
    });
    clientId = String((registered['credentials'] as Record<string, unknown>)['client_id']);
  });

  test('lives: activate, suspend, reactivate, delete', async () => {
    const change = (name: string) => place.run('agent', name, clientId, '--reason', 'a test');
    expect((await change('activate')).stdout).toBe(`${clientId} is active\n`);
    expect((await change('suspend')).stdout).toBe(`${clientId} is suspended\n`);
    expect(await change('suspend')).toMatchObject({ code: 1, stderr: expect.stringMatching(/conflict/) });
    expect((await change('reactivate')).stdout).toBe(`${clientId} is active\n`);
    expect(await place.json('agent', 'list', '--state', 'active')).toMatchObject({
      agents: [{ client_id: clientId, state: 'active' }],
      next_cursor: null,
    });
    const history = await place.json('audit', 'search', '--client', clientId, '--oldest');
    expect(history['logs']).toMatchObject([
      { event_type: 'agent_registered', actor: 'cli', source_ip: null },
      { event_type: 'agent_activated', actor: 'cli', reason: 'a test' },
      { event_type: 'agent_suspended', actor: 'cli', reason: 'a test' },
      { event_type: 'agent_reactivated', actor: 'cli', reason: 'a test' },
    ]);
  });

  test('is granted more, or exactly what is named', async () => {
    const grant = (...args: string[]) => place.json('agent', 'grant', clientId, ...args);
    expect(await grant('--permission', 'example:write', '--tool', 'calendar')).toMatchObject({
      permissions: ['example:read', 'reports:*', 'example:write'],
      allowed_tools: ['search', 'calendar'],
    });
    expect(await grant('--replace', '--permission', 'example:read')).toMatchObject({
      permissions: ['example:read'],
      allowed_tools: ['search', 'calendar'],
    });
    expect(await place.run('agent', 'grant', clientId)).toMatchObject({ code: 2 });
  });

  test('is not cut off from every other audience by adding one', async () => {
    await place.run(
      'resource-server',
      'register',
      '--name',
      'Notes',
      '--audience',
      'https://notes.example.com',
    );
    const add = ['agent', 'grant', clientId, '--audience', 'https://notes.example.com'];
    expect(await place.run(...add)).toMatchObject({ code: 2, stderr: expect.stringMatching(/--replace/) });
    expect(await place.json(...add, '--replace')).toMatchObject({ audiences: ['https://notes.example.com'] });
  });

  test('gets another secret', async () => {
    const rotated = await place.json('agent', 'rotate-secret', clientId, '--immediate');
    expect(rotated).toMatchObject({ client_id: clientId, client_secret: expect.stringMatching(/^tgs_/) });
  });

  test('shows names of strangers without control characters', async () => {
    const { stdout } = await place.run('agent', 'show', clientId);
    expect(stdout).toMatch(/^agent_name +Reader$/m);
    expect(stdout).toMatch(/^max_depth +-$/m);
  });
});

test('registers resource servers and lists them', async () => {
  const made = await place.json(
    'resource-server',
    'register',
    '--name',
    'Mail',
    '--audience',
    'https://mail.example.com',
    '--scope',
    'mail:read mail:send',
    '--token-format',
    'opaque',
  );
  expect(made).toMatchObject({
    resource_server: { scopes: ['mail:read', 'mail:send'], token_format: 'opaque' },
    credentials: { client_secret: expect.stringMatching(/^tgs_/) },
  });
  const again = ['resource-server', 'register', '--name', 'Thief', '--audience', 'https://mail.example.com/'];
  expect(await place.run(...again)).toMatchObject({ code: 1, stderr: expect.stringMatching(/conflict/) });
  expect((await place.run('resource-server', 'list')).stdout).toMatch(
    /Mail +opaque +https:\/\/mail\.example\.com/,
  );
});

describe('user', () => {
  test('is created with a password of its own, shown once', async () => {
    const made = await place.json('user', 'create', 'ada@example.com', '--permission', 'example:*');
    expect(made).toMatchObject({ user: { email: 'ada@example.com', permissions: ['example:*'] } });
    expect(String(made['password']).length).toBeGreaterThan(30);
  });

  test('is created with the password on standard input, which is not repeated', async () => {
    const child = startCli(['user', 'create', 'bob@example.com', '--password-stdin'], {
      DATA_DIR: place.directory,
    });
    child.stdin.end('correct horse battery\n');
    const { code, stdout } = await finished(child);
    expect(code).toBe(0);
    expect(stdout).not.toContain('correct horse');
  });

  test('is disabled and enabled by address', async () => {
    expect((await place.run('user', 'disable', 'Ada@example.com')).stdout).toBe(
      'ada@example.com is disabled\n',
    );
    expect((await place.run('user', 'enable', 'ada@example.com')).stdout).toBe('ada@example.com is active\n');
  });

  test('gains and loses permissions', async () => {
    const change = ['user', 'permissions', 'ada@example.com', '--add', 'notes:read', '--remove', 'example:*'];
    expect((await place.run(...change)).stdout).toBe('notes:read\n');
    expect(await place.run(...change)).toMatchObject({ code: 4 });
    expect((await place.run('user', 'permissions', 'ada@example.com')).stdout).toBe('notes:read\n');
  });
});

test('rotates keys once, however often it is told while the new one waits', async () => {
  const rotate = () => place.json('keys', 'rotate');
  // The first key of a new database, then one that waits for it.
  const first = await rotate();
  expect(first).toMatchObject({ made: true, key: { algorithm: 'ES256' } });
  expect(await rotate()).toMatchObject({ made: false, key: first['key'] });
  const { keys } = (await place.json('keys', 'list')) as { keys: unknown[] };
  expect(keys).toHaveLength(1);
  const events = await place.json('audit', 'search', '--type', 'signing_key_rotated');
  expect(events['logs']).toHaveLength(1);
});

test('lets a new key sign at once, although another waits already', async () => {
  await place.json('keys', 'rotate');
  const urgent = createWorkplace({ DATA_DIR: place.directory, KEY_PUBLISH_AHEAD: '0' });
  expect(await urgent.json('keys', 'rotate')).toMatchObject({ made: true, key: { state: 'signing' } });
});
