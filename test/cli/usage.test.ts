import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { createProgram } from '../../src/cli/program.ts';
import { createWorkplace, finished, startCli } from './run-cli.ts';

const place = createWorkplace();
afterAll(() => place.remove());

describe('taskgrant', () => {
  test('explains every command and option in --help', () => {
    const commands = createProgram().commands.flatMap((command) => [command, ...command.commands]);
    expect(commands.length).toBeGreaterThan(25);
    for (const command of commands) {
      if (command.name() === 'help') continue;
      expect(command.description()).toMatch(/\.$/);
      expect(command.helpInformation()).toMatch(/^Usage: taskgrant/);
    }
  });

  test('exits with 0 for --help and --version', async () => {
    expect(await place.run('--help')).toMatchObject({ code: 0, stderr: '' });
    expect(await place.run('--version')).toMatchObject({ code: 0, stdout: '0.1.0\n' });
  });

  test('is a program that tells the shell how it ended', async () => {
    const env = { DATA_DIR: place.directory };
    const [done, missing] = await Promise.all([
      finished(startCli(['keys', 'list'], env)),
      finished(startCli(['agent', 'show', 'agt_x'], env)),
    ]);
    expect(done).toMatchObject({ code: 0, stdout: expect.stringMatching(/^kid/), stderr: '' });
    expect(missing).toMatchObject({ code: 4, stdout: '', stderr: expect.stringMatching(/no such/) });
  });

  test.each([
    [['nonsense'], /^taskgrant: unknown command 'nonsense'\n$/],
    [['agent', 'list', '--limit', '0'], /^taskgrant: .*--limit.*from 1 to 1000\.\n$/],
    [['agent', 'list', '--state', 'asleep'], /^taskgrant: .*one of pending, active, suspended, revoked\.\n$/],
    [['task', 'revoke', 'x', '--reason', 'a\nb'], /^taskgrant: .*--reason.*control characters\.\n$/],
    [['agent', 'show'], /^taskgrant: missing required argument 'client_id'\n$/],
    [['audit', 'search', '--from', 'yesterday'], /^taskgrant: .*2026-01-31T09:00:00Z\.\n$/],
    [['task', 'show', 'one', 'two'], /^taskgrant: too many arguments .*\n$/],
    [['agent', 'register', '--name', 'x'], /^taskgrant: parameter_invalid: agent_name .*\n$/],
  ])('answers %j with one line and exit code 2', async (args, line) => {
    const { code, stderr, stdout } = await place.run(...args);
    expect(stderr).toMatch(line);
    expect(stdout).toBe('');
    expect(code).toBe(2);
  });

  test.each([
    [['agent', 'show', 'agt_nobody']],
    [['task', 'tree', 'nothing']],
    [['explain', 'nothing']],
    [['explain', '-WeHUOMEo7gGhuJaQ3hz7Y']],
    [['token', 'revoke', 'nothing']],
    [['token', 'revoke', '-WeHUOMEo7gGhuJaQ3hz7Y', '--reason', 'an id may look like an option']],
    [['user', 'disable', 'nobody@example.com']],
  ])('answers %j with exit code 4', async (args) => {
    const { code, stderr } = await place.run(...args);
    expect(stderr).toMatch(/^taskgrant: not_found: .*\n$/);
    expect(code).toBe(4);
  });

  test('tells in one line that the database cannot be opened', async () => {
    const other = createWorkplace({ DATABASE_URL: 'postgres://nobody@127.0.0.1:9/none' });
    const { code, stderr } = await other.run('agent', 'list');
    expect(stderr).toMatch(/^taskgrant: .+\n$/);
    expect(code).toBe(1);
    other.remove();
  });

  test('refuses a file for the answer before anybody signs in, and leaves none behind', async () => {
    const login = (file: string) =>
      place.run(
        'login',
        '--issuer',
        'http://127.0.0.1:9',
        '--no-browser',
        '--save',
        join(place.directory, file),
      );
    writeFileSync(join(place.directory, 'mine.json'), 'mine');
    expect(await login('mine.json')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/exists already/),
    });
    expect(readFileSync(join(place.directory, 'mine.json'), 'utf8')).toBe('mine');
    expect(await login('no/such/folder.json')).toMatchObject({ stderr: expect.stringMatching(/ENOENT/) });
    expect(await login('new.json')).toMatchObject({ stderr: expect.stringMatching(/does not answer/) });
    expect(existsSync(join(place.directory, 'new.json'))).toBe(false);
  });

  test('leaves the log directory, which a server may own, alone', () => {
    expect(existsSync(join(place.directory, 'cli-logs'))).toBe(false);
  });
});

describe('check-config', () => {
  test('prints every setting and hides secrets', async () => {
    const secret = 'a-secret-that-nobody-should-see-on-a-screen';
    const configured = createWorkplace({ ADMIN_CLIENT_SECRET: secret, PORT: '4321' });
    const { code, stdout } = await configured.run('check-config');
    expect(stdout).toMatch(/^PORT +4321$/m);
    expect(stdout).toMatch(/^ISSUER +http:\/\/localhost:4321$/m);
    expect(stdout).toMatch(/^ADMIN_CLIENT_SECRET +\(hidden\)$/m);
    expect(stdout).toMatch(/^retention\.auditDays +365$/m);
    expect(stdout).toMatch(/^resourceServers +\{"name":"example",/m);
    expect(stdout).not.toContain('[object');
    expect(stdout).not.toContain(secret);
    expect(code).toBe(0);
    configured.remove();
  });

  test('prints all faults at once and exits with 3; other commands tell them in one line', async () => {
    const faulty = createWorkplace({ PORT: 'x', ACCESS_TOKEN_TTL: '-1' });
    const { code, stderr } = await faulty.run('check-config');
    expect(stderr).toMatch(/2 faults:\n {2}- port \(PORT\) .*\n {2}- lifetimes\.accessToken/);
    expect(code).toBe(3);
    const other = await faulty.run('agent', 'list');
    expect(other.stderr).toMatch(
      /^taskgrant: The configuration has 2 faults: port .*; lifetimes\.accessToken .*\n$/,
    );
    expect(other.code).toBe(3);
    faulty.remove();
  });
});
