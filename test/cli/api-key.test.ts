import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createWorkplace } from './run-cli.ts';

const place = createWorkplace();
afterAll(() => place.remove());

describe('taskgrant key', () => {
  let clientId: string;
  beforeAll(async () => {
    const made = await place.json('agent', 'register', '--name', 'Reader', '--activate');
    clientId = String((made['credentials'] as Record<string, unknown>)['client_id']);
  });

  test('create shows the key this once, list never does', async () => {
    const made = await place.json('key', 'create', clientId, '--name', 'Laptop', '--expires-in', '90');
    expect(made).toMatchObject({ name: 'Laptop', state: 'active', last_used_at: null });
    expect(made['api_key']).toMatch(/^tg_[0-9A-Za-z]{12}_[\w-]{43}$/);
    const lifetime = Date.parse(String(made['expires_at'])) - Date.parse(String(made['created_at']));
    expect(lifetime).toBe(90 * 86_400_000);
    const { stdout } = await place.run('key', 'list', clientId);
    expect(stdout).toMatch(/^key_id +state +prefix +name +last_used_at\n/);
    expect(stdout).toContain(String(made['prefix']));
    expect(stdout).not.toContain(String(made['api_key']));
    const shown = await place.run('key', 'create', clientId, '--name', 'Another');
    expect(shown.stdout).toMatch(/^api_key +tg_/);
    expect(shown.stderr).toBe('Keep the API key: it is shown only now.\n');
  });

  test('rotate gives a successor, revoke ends a key and tells what ended with it', async () => {
    const made = await place.json('key', 'create', clientId, '--name', 'Old');
    const rotated = await place.json('key', 'rotate', clientId, String(made['key_id']));
    expect(rotated).toMatchObject({ name: 'Old', state: 'active', old_key_expires_at: expect.any(String) });
    const keyId = String(rotated['key_id']);
    expect(await place.run('key', 'revoke', clientId, keyId)).toMatchObject({
      code: 0,
      stdout: `${keyId} is revoked; 0 tasks that it opened were revoked\n`,
    });
    const { api_keys } = await place.json('key', 'list', clientId);
    const states = (api_keys as { key_id: string; state: string }[]).map((row) => [row.key_id, row.state]);
    expect(states).toEqual(
      expect.arrayContaining([
        [made['key_id'], 'replaced'],
        [keyId, 'revoked'],
      ]),
    );
    const events = await place.json('audit', 'search', '--type', 'api_key_revoked');
    expect(events['logs']).toMatchObject([{ actor: 'cli', details: { key_id: keyId } }]);
  });

  test('list is empty, not an error, where there is none', async () => {
    const made = await place.json('agent', 'register', '--name', 'Keyless');
    const { client_id: keyless } = made['credentials'] as Record<string, string>;
    expect(await place.json('key', 'list', String(keyless))).toEqual({ api_keys: [], next_cursor: null });
  });

  test.each([
    [['key', 'create', 'nobody', '--name', 'Laptop'], 4, /no such agent/],
    [['key', 'revoke', 'nobody', 'key_x'], 4, /no such API key/],
    [['key', 'create', 'nobody'], 2, /--name/],
    [['key', 'create', 'nobody', '--name', 'L', '--expires-in', '0'], 2, /whole number from 1/],
    [['key', 'list', 'nobody'], 4, /no such agent/],
  ] as const)('%j ends with %i and says why', async (args, code, why) => {
    expect(await place.run(...args)).toMatchObject({ code, stderr: expect.stringMatching(why), stdout: '' });
  });

  test('--help tells what there is', async () => {
    const { stdout } = await place.run('key', '--help');
    for (const command of ['create', 'list', 'rotate', 'revoke']) expect(stdout).toContain(command);
  });
});
