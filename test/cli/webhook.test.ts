import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createWorkplace } from './run-cli.ts';

const place = createWorkplace();
afterAll(() => place.remove());

const URL = 'https://hooks.example.com/taskgrant';

describe('webhook', () => {
  let id: string;
  let secret: string;
  beforeAll(async () => {
    const made = await place.json('webhook', 'create', '--url', URL, '--event', 'task.* token.revoked');
    expect(made).toMatchObject({
      webhook: { url: URL, events: ['task.*', 'token.revoked'], enabled: true, agent_id: null, owner: null },
      secret: expect.stringMatching(/^whsec_/),
    });
    id = (made['webhook'] as { id: string }).id;
    secret = made['secret'] as string;
  });

  test('says so when there is none', async () => {
    const empty = createWorkplace();
    expect(await empty.json('webhook', 'list')).toEqual({ webhooks: [], next_cursor: null });
    expect(await empty.run('webhook', 'list')).toMatchObject({ code: 0 });
    empty.remove();
  });

  test('is listed and shown without its secret', async () => {
    const shown = await place.run('webhook', 'show', id);
    expect(shown).toMatchObject({ code: 0, stdout: expect.stringContaining(URL) });
    const listed = await place.run('webhook', 'list');
    expect(listed.stdout).toContain(id);
    for (const { stdout } of [shown, listed]) expect(stdout).not.toContain(secret);
    expect(await place.json('webhook', 'list', '--agent', 'agt_nobody')).toMatchObject({ webhooks: [] });
  });

  test('gets no secret that the server could not read', async () => {
    await place.json('keys', 'rotate');
    const ENCRYPTION_KEY = Buffer.alloc(32, 7).toString('base64url');
    const astray = createWorkplace({ DATA_DIR: place.directory, ENCRYPTION_KEY });
    for (const command of [
      ['create', '--url', URL, '--event', '*'],
      ['rotate-secret', id],
    ]) {
      expect(await astray.run('webhook', ...command)).toMatchObject({
        code: 1,
        stdout: '',
        stderr: 'taskgrant: ENCRYPTION_KEY does not match the stored keys\n',
      });
    }
    expect((await place.json('webhook', 'list'))['webhooks']).toHaveLength(1);
  });

  test('is changed, disabled, enabled and given a new secret', async () => {
    expect(await place.json('webhook', 'update', id, '--event', '*')).toMatchObject({
      events: ['*'],
      url: URL,
    });
    expect(await place.json('webhook', 'disable', id, '--reason', 'moving')).toMatchObject({
      enabled: false,
      disabled_reason: 'moving',
    });
    expect(await place.run('webhook', 'test', id)).toMatchObject({
      code: 1,
      stderr: 'taskgrant: conflict: the webhook is disabled: enable it first\n',
    });
    expect(await place.json('webhook', 'enable', id)).toMatchObject({ enabled: true, disabled_reason: null });
    const rotated = await place.run('webhook', 'rotate-secret', id);
    expect(rotated.stdout).toMatch(/whsec_/);
    expect(rotated.stdout).not.toContain(secret);
  });

  test('is tried out, and what it is told can be seen and asked for again', async () => {
    const tried = await place.run('webhook', 'test', id);
    const deliveryId = tried.stdout.trim();
    const { deliveries } = await place.json('webhook', 'deliveries', id, '--state', 'pending');
    expect(deliveries).toContainEqual(expect.objectContaining({ id: deliveryId, event: 'webhook.test' }));
    expect(await place.json('webhook', 'redeliver', id, deliveryId)).toMatchObject({ state: 'pending' });
    expect(await place.run('webhook', 'redeliver', id, 'none')).toMatchObject({ code: 4 });
  });

  test('events are listed', async () => {
    const { stdout } = await place.run('webhook', 'events');
    expect(stdout).toMatch(/^task\.revoked {2,}A task was revoked/m);
  });

  test.each([
    [['create', '--url', 'ftp://hooks.example.com/', '--event', '*'], 2, /url must be an http or https URL/],
    [['create', '--url', 'https://10.0.0.1/', '--event', '*'], 2, /private address/],
    [['create', '--url', URL, '--event', 'task.exploded'], 2, /names what is no event/],
    [['create', '--url', URL, '--event', '*', '--agent', 'agt_nobody'], 4, /no such agent/],
    [['show', 'whk_nothing'], 4, /no such webhook/],
    [['delete', 'whk_nothing'], 4, /no such webhook/],
  ])('%j is refused in one line', async (args, code, line) => {
    expect(await place.run('webhook', ...args)).toMatchObject({ code, stderr: expect.stringMatching(line) });
  });

  test('is deleted', async () => {
    expect(await place.run('webhook', 'delete', id)).toMatchObject({ code: 0, stdout: `${id} is deleted\n` });
    expect(await place.run('webhook', 'show', id)).toMatchObject({ code: 4 });
  });
});
