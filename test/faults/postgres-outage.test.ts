import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Knex } from 'knex';
import { connect } from '../../src/store/database.ts';
import { browserOf } from '../support/browser-session.ts';
import { authorizationUrl, CALLBACK } from '../support/code-flow.ts';
import { adminToken, type AgentParty, createPerson, pkce, registerAgent } from '../support/parties.ts';
import { type PostgresServer, startPostgres } from '../support/postgres-server.ts';
import { type Answer, bearer, postForm, postJson, send } from '../support/requests.ts';
import { logEntries, type ServerProcess, startServerProcess } from '../support/server-process.ts';
import {
  ADMIN,
  clientCredentials,
  derive,
  introspect,
  type OpenTask,
  open,
  requestToken,
  revoke,
  TOKEN_EXCHANGE,
  tokenExchange,
} from '../support/token-requests.ts';
import { isCovered, isEnded, startLoad, wrongRefusals } from './load.ts';
import { brokenRows, recordedTokens } from './wholeness.ts';

/** How long an answer may take meanwhile: DATABASE_TIMEOUT, and room for a busy machine. */
const ANSWER_MS = 5000;

let postgres: PostgresServer;
let server: ServerProcess;
let agent: AgentParty;
let db: Knex;

beforeAll(async () => {
  postgres = await startPostgres();
  server = await startServerProcess({
    databaseUrl: postgres.url,
    env: { RATE_LIMITS: 'off', DATABASE_TIMEOUT: '1500' },
  });
  db = connect({ databaseUrl: postgres.url, dataDir: '', poolMax: 2 });
  agent = await registerAgent(server, {
    redirect_uris: [CALLBACK],
    grant_types: ['client_credentials', 'refresh_token', 'authorization_code', TOKEN_EXCHANGE],
  });
});
afterAll(async () => {
  await server?.stop();
  await db?.destroy();
  await postgres?.stop();
});

/** Asks until the server says that it is ready; the milliseconds that it took. */
async function untilReady(): Promise<number> {
  const started = performance.now();
  while ((await send(server, '/health/ready')).status !== 200) {
    if (performance.now() - started > 15_000) throw new Error('the server does not become ready again');
    await setTimeout(20);
  }
  return performance.now() - started;
}

async function timed(ask: Promise<Answer>) {
  const started = performance.now();
  const { status, headers, text, body } = await ask;
  return { status, headers, text, body, ms: performance.now() - started };
}

const mode = { SIGINT: 'is shut down', SIGQUIT: 'crashes' } as const;

describe.each(['SIGINT', 'SIGQUIT'] as const)('when PostgreSQL ends by %s', (signal) => {
  test(`${mode[signal]} and comes back under load, nothing is lost and nothing false is said`, async () => {
    const load = startLoad(server, { agent, clients: 12, restMs: 50 });
    await setTimeout(800);
    const before = logEntries(server, 'error.log').length;
    await postgres.halt(signal);
    const [sample] = load.tokens;
    const untruths: unknown[] = [];
    const watch = async () => {
      for (let i = 0; i < 10; i += 1) {
        const answer = await postForm(
          server,
          '/api/oauth/introspect',
          { token: sample?.token },
          ADMIN.headers,
        );
        if (answer.status !== 503) untruths.push(answer.text);
        await setTimeout(100);
      }
    };
    await watch();
    expect(untruths).toEqual([]);
    const errors = logEntries(server, 'error.log').slice(before);
    await postgres.resume();
    expect(await untilReady()).toBeLessThan(5000);
    await setTimeout(700);
    await load.stop();

    expect(wrongRefusals(load)).toEqual([]);
    expect(load.failures.filter(({ answer }) => answer === undefined)).toEqual([]);
    const refused = load.failures.filter(({ answer }) => answer?.status === 503);
    expect(refused.length).toBeGreaterThan(10);
    for (const { answer } of refused) {
      expect(answer?.headers.get('retry-after')).toMatch(/^[1-9]\d?$/);
      expect(answer?.body.error).toBe('temporarily_unavailable');
      expect(answer?.text).not.toMatch(/select|insert|ECONN|postgres|127\.0\.0\.1/i);
    }
    expect(load.slowest()).toBeLessThan(ANSWER_MS);
    // One line tells of the outage, however many requests met it.
    expect(errors.length).toBeLessThanOrEqual(3);
    expect(errors.map(({ message }) => message)).toContain('the database does not answer');

    expect(await brokenRows(db)).toEqual({});
    const issued = await recordedTokens(db, ['token_issued', 'token_refreshed', 'token_exchanged']);
    expect(load.tokens.filter(({ tokenId }) => !issued.has(tokenId))).toEqual([]);
    const active = new Map<string, boolean>();
    for (const one of load.tokens) {
      active.set(one.tokenId, (await introspect(server, ADMIN, one.token)).active as boolean);
    }
    expect(load.tokens.filter((one) => isEnded(one) && active.get(one.tokenId))).toEqual([]);
    expect(load.tokens.filter((one) => !isCovered(one) && !active.get(one.tokenId))).toEqual([]);
  });
});

describe('while PostgreSQL is away', () => {
  let task: OpenTask;
  let child: OpenTask;
  let ended: OpenTask;
  let admin: string;
  let authorization: string;

  beforeAll(async () => {
    task = await open(server, agent);
    child = await derive(server, task);
    ended = await open(server, agent);
    expect((await revoke(server, agent, ended.token)).status).toBe(200);
    admin = await adminToken(server);
    const browser = browserOf(server, await createPerson(server));
    const url = authorizationUrl(server, agent, { scope: 'reports:read', ...pkce().parameters });
    expect((await browser.consentPage(url)).html).toContain('reports:read');
    authorization = url.href;
    await postgres.halt('SIGINT');
  });
  afterAll(async () => {
    await postgres.resume();
    await untilReady();
  });

  /** Every OAuth endpoint that needs the database, as a client with good credentials asks it. */
  const oauth: Record<string, () => Promise<Answer>> = {
    client_credentials: () => clientCredentials(server, agent, pkce().parameters),
    'client_credentials with a wrong secret': () =>
      clientCredentials(
        server,
        { ...agent, headers: { authorization: `Basic ${btoa('nobody:wrong')}` } },
        {},
      ),
    'token exchange': () => tokenExchange(server, agent, task.token, { code_verifier: task.verifier }),
    refresh: () =>
      requestToken(server, agent, {
        grant_type: 'refresh_token',
        refresh_token: task.body.refresh_token,
        code_verifier: task.verifier,
      }),
    'a code': () =>
      requestToken(server, agent, {
        grant_type: 'authorization_code',
        code: 'unknown',
        redirect_uri: CALLBACK,
        code_verifier: task.verifier,
      }),
    'introspection of a live token': () =>
      postForm(server, '/api/oauth/introspect', { token: task.token }, ADMIN.headers),
    'introspection of a revoked token': () =>
      postForm(server, '/api/oauth/introspect', { token: ended.token }, ADMIN.headers),
    verification: () => postForm(server, '/api/oauth/verify', { token: task.token }, ADMIN.headers),
    revocation: () => revoke(server, agent, child.token),
    PAR: () =>
      postForm(
        server,
        '/api/oauth/par',
        { response_type: 'code', redirect_uri: CALLBACK, ...pkce().parameters },
        agent.headers,
      ),
    registration: () => postJson(server, '/api/oauth/register', { redirect_uris: [CALLBACK] }),
    userinfo: () => send(server, '/api/oauth/userinfo', { headers: bearer(task.token) }),
  };

  test.each(Object.keys(oauth))('%s is answered 503 in the shape of OAuth, soon', async (name) => {
    const answer = await timed((oauth[name] as () => Promise<Answer>)());
    expect([answer.status, answer.body.error]).toEqual([503, 'temporarily_unavailable']);
    expect(answer.headers.get('retry-after')).toMatch(/^[1-9]\d?$/);
    expect(answer.headers.get('cache-control')).toContain('no-store');
    expect(answer.headers.get('www-authenticate')).toBeNull();
    expect(answer.text).not.toMatch(/select|insert|ECONN|127\.0\.0\.1|active/i);
    expect(answer.ms).toBeLessThan(ANSWER_MS);
  });

  const rest: Record<string, () => Promise<Answer>> = {
    'the protected example': () => send(server, '/api/oauth/protected', { headers: bearer(task.token) }),
    tasks: () => send(server, `/api/tasks/${task.taskId}`, { headers: bearer(task.token) }),
    administration: () => send(server, '/api/admin/tasks', { headers: bearer(admin) }),
    agents: () => postJson(server, '/api/agents/register', { agent_name: 'New' }, bearer(admin)),
  };

  test.each(Object.keys(rest))('%s is answered 503 with problem details, soon', async (name) => {
    const answer = await timed((rest[name] as () => Promise<Answer>)());
    expect([answer.status, answer.body.code]).toEqual([503, 'database_unavailable']);
    expect(answer.headers.get('content-type')).toContain('application/problem+json');
    expect(answer.headers.get('retry-after')).toMatch(/^[1-9]\d?$/);
    expect(answer.text).not.toMatch(/select|insert|ECONN|127\.0\.0\.1/i);
    expect(answer.ms).toBeLessThan(ANSWER_MS);
  });

  test('people see a page that tells them to try again', async () => {
    const answer = await timed(send(server, authorization, { headers: { accept: 'text/html' } }));
    expect(answer.status).toBe(503);
    expect(answer.headers.get('content-type')).toContain('text/html');
    expect(answer.headers.get('retry-after')).toMatch(/^[1-9]\d?$/);
    expect(answer.text).toContain('Its database does not answer');
    expect(answer.ms).toBeLessThan(ANSWER_MS);
  });

  test('the process lives, is not ready, and still shows its keys', async () => {
    expect((await send(server, '/health/live')).status).toBe(200);
    expect((await send(server, '/health/ready')).status).toBe(503);
    expect((await send(server, '/api/oauth/jwks')).body.keys).toHaveLength(1);
    expect((await send(server, '/.well-known/oauth-authorization-server')).status).toBe(200);
  });

  test('what was revoked before stays so, and what was asked meanwhile did not happen', async () => {
    await postgres.resume();
    await untilReady();
    expect((await introspect(server, ADMIN, ended.token)).active).toBe(false);
    expect((await introspect(server, ADMIN, task.token)).active).toBe(true);
    expect((await introspect(server, ADMIN, child.token)).active).toBe(true);
    await postgres.halt('SIGINT');
  });
});
