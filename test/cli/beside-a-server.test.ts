import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Agent, type HeldTask } from '../../examples/demo/agent.ts';
import { call } from '../../examples/demo/http.ts';
import { Person } from '../../examples/demo/person.ts';
import { type StartedServer, startServer } from '../../examples/demo/server.ts';
import { createWorkplace, finished, startCli, type Workplace } from './run-cli.ts';

const PASSWORD = 'correct horse battery staple';
const REDIRECT_URI = 'http://127.0.0.1/callback';

describe('the command line beside a running server', () => {
  let server: StartedServer | undefined;
  let issuer: string;
  let place: Workplace;
  let agent: Agent;
  let person: Person;

  beforeAll(async () => {
    server = await startServer({ ADMIN_PASSWORD: PASSWORD });
    issuer = server.issuer;
    place = createWorkplace({ DATA_DIR: server.directory, ISSUER: issuer });
    person = new Person(issuer, { email: 'admin@localhost', password: PASSWORD });
    const { credentials } = (await place.json(
      'agent',
      'register',
      '--name',
      'Worker',
      '--activate',
      '--permission',
      'example:read example:write',
      '--redirect-uri',
      REDIRECT_URI,
    )) as { credentials: { client_id: string; client_secret: string } };
    agent = new Agent(issuer, {
      name: 'Worker',
      clientId: credentials.client_id,
      clientSecret: credentials.client_secret,
    });
  });

  afterAll(() => server?.stop());

  async function openTask(): Promise<HeldTask> {
    const { url, verifier } = agent.authorization(REDIRECT_URI, {
      scope: 'example:read example:write',
      task_description: 'Work',
    });
    const { url: callback } = await person.approve(url);
    return agent.redeem(callback.searchParams.get('code') ?? '', REDIRECT_URI, verifier);
  }

  const status = async (task: HeldTask) => {
    const { status: answered } = await call(`${issuer}/api/oauth/protected`, {
      token: task.token,
      headers: { 'X-Task-ID': task.taskId },
    });
    return answered;
  };

  test('explains a token: who approved what, which tasks and agents it went through, and what ended it', async () => {
    const task = await openTask();
    const child = await agent.derive(task, { scope: 'example:read', task_description: 'A part of it' });
    const told = (await place.run('explain', child.tokenId)).stdout;
    expect(told.split('\n').slice(0, 2)).toEqual([
      `${child.tokenId}  access of ${agent.clientId}, task ${child.taskId}`,
      expect.stringMatching(/^live, until 20/),
    ]);
    expect(told).toMatch(/^acts for usr_\S+ \(.+\)$/m);
    expect(told).toMatch(/^example:read\n {2}task \S+ {2}active {2}agt_\S+ \(Worker\)$/m);
    expect(told).toMatch(/usr_\S+ approved example:read at 20\S+ \(grant /);
    expect(told).toMatch(
      /example:read → example:read, granted by parent; the agent may hold it by permission/,
    );
    await place.run('token', 'revoke', task.tokenId, '--reason', 'enough');
    const after = await place.run('explain', child.tokenId);
    expect(after.stdout).toMatch(
      new RegExp(`^ended by token ${task.tokenId} at task ${task.taskId} on \\S+ by cli: enough$`, 'm'),
    );
    expect(await place.json('explain', child.tokenId)).toMatchObject({
      token_id: child.tokenId,
      is_live: false,
      ended_by: { kind: 'token', handle: task.tokenId },
      scopes: [{ right: 'example:read', consented: 'example:read' }],
    });
  });

  test('shows a task, draws its tree and revokes it', async () => {
    const task = await openTask();
    const child = await agent.derive(task, { scope: 'example:read', task_description: 'A part of it' });
    expect(await place.json('task', 'show', child.taskId)).toMatchObject({
      parent_task_id: task.taskId,
      state: 'active',
      tokens: expect.arrayContaining([
        expect.objectContaining({ token_id: child.tokenId, kind: 'access', is_valid: true }),
      ]),
    });
    const { stdout } = await place.run('task', 'tree', child.taskId);
    const [head, ...rest] = stdout.split('\n');
    expect(head).toBe(`${task.taskId}  active  ${agent.clientId}`);
    expect(rest).toContain(`└─ ${child.taskId}  active  ${agent.clientId}`);
    expect(stdout).toContain('may example:read, without example:write');
    expect(await place.json('task', 'revoke', task.taskId, '--reason', 'over')).toMatchObject({
      state: 'revoked',
      affected_child_tokens: 2,
    });
    expect(await status(child)).toBe(401);
    expect(await place.json('task', 'show', child.taskId)).toMatchObject({ state: 'revoked' });
  });

  test('revokes a token, with its children or without', async () => {
    const [task, other] = [await openTask(), await openTask()];
    const children = [await agent.derive(task, {}), await agent.derive(other, {})] as const;
    await place.json('token', 'revoke', task.tokenId);
    await place.json('token', 'revoke', other.tokenId, '--keep-children');
    expect(await Promise.all([task, other, ...children].map(status))).toEqual([401, 401, 401, 200]);
  });

  test('rotates the keys, which the server follows within seconds', async () => {
    const { keys: before } = (await call(`${issuer}/api/oauth/jwks`)).body as { keys: unknown[] };
    const { key } = (await place.json('keys', 'rotate')) as { key: { kid: string } };
    const until = Date.now() + 10_000;
    let kids: unknown[] = [];
    while (!kids.includes(key.kid) && Date.now() < until) {
      await new Promise((resolve) => setTimeout(resolve, 200));
      kids = ((await call(`${issuer}/api/oauth/jwks`)).body as { keys: { kid: string }[] }).keys.map(
        ({ kid }) => kid,
      );
    }
    expect(kids).toHaveLength(before.length + 1);
    expect(kids).toContain(key.kid);
  });

  test('signs a person in by a browser and stores nothing unless asked', async () => {
    const file = join(server?.directory ?? '', 'token.json');
    const child = startCli(
      [
        'login',
        '--issuer',
        issuer,
        '--no-browser',
        '--json',
        '--save',
        file,
        '--scope',
        'example:read',
        '--task-id',
        'my-task',
        '--task-description',
        'Look around',
      ],
      { PATH: process.env['PATH'] ?? '' },
    );
    const url = await new Promise<string>((resolve) => {
      child.stderr.on('data', (text) => {
        const [found] = /http:\S+\/authorize\?\S+/.exec(String(text)) ?? [];
        if (found !== undefined) resolve(found);
      });
    });
    const ended = finished(child);
    const { url: callback, shown } = await person.approve(url);
    expect(shown).toEqual(['example:read']);
    const page = await fetch(callback);
    expect(await page.text()).toBe('You are signed in. You can close this window.\n');
    const { code, stdout } = await ended;
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      scope: 'example:read',
      task_id: 'my-task',
      access_token: expect.stringMatching(/^eyJ/),
      refresh_token: expect.any(String),
    });
    expect(readdirSync(server?.directory ?? '')).toContain('token.json');
  });

  test('says in one line why nobody can sign in', async () => {
    const attempts: [RegExp, string[]][] = [
      [/^taskgrant: the issuer must use https.*\n$/, ['--issuer', 'http://auth.example.com']],
      [/^taskgrant: .*does not answer \(ECONNREFUSED\)\n$/, ['--issuer', 'http://127.0.0.1:59999']],
      [/^taskgrant: .*calls itself.*\n$/, ['--issuer', issuer.replace('localhost', '127.0.0.1')]],
      [/\ntaskgrant: nobody signed in.*\n$/, ['--issuer', issuer, '--no-browser', '--timeout', '1']],
    ];
    for (const [told, args] of attempts) {
      const { code, stdout, stderr } = await place.run('login', ...args);
      expect(stderr).toMatch(told);
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    }
  });
});
