import { createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Workload } from '../load/messages.ts';
import { ask, basic, FORM, form } from '../process/requests.ts';
import { freePort } from '../../test/support/free-port.ts';
import { startServerProcess } from '../process/server-process.ts';
import type { Stage } from '../process/stage.ts';
import { type OwnPostgres, startOwnPostgres } from './postgres.ts';
import type { DatabaseKind, Side } from './side.ts';

/** The checkout that is measured; another one can be named, to compare two of them. */
const PRODUCT = resolve(process.env['BENCH_PRODUCT'] ?? join(import.meta.dirname, '../..'));
/** What `npm start` puts into the environment and tells node, and the program. */
const { env: START_ENV, nodeArgs: NODE_ARGS, program: PROGRAM } = startOf(PRODUCT);
/** As the product and better-auth open it here. */
export const SQLITE_DURABILITY = 'journal_mode=WAL, synchronous=FULL';
const TOKEN_PATH = '/api/oauth/token';
/** The API that tokens are for. */
export const AUDIENCE = 'https://api.bench.example/';
const SCOPE = 'example:read';
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';

/** The product as it is started for a measurement. */
export interface TaskgrantOptions {
  readonly database: DatabaseKind;
  /** Settings beside the ones that a measurement needs. */
  readonly env?: Readonly<Record<string, string>>;
  /** Arguments of node, before the program. */
  readonly nodeArgs?: readonly string[];
}

/** The answer of the token endpoint, as far as it is used here. */
export interface Token {
  readonly access_token: string;
  readonly token_id: string;
  readonly task_id: string;
}

export interface Taskgrant extends Side {
  readonly home: string;
  readonly postgres: OwnPostgres | undefined;
  /** Basic credentials of the agent. */
  readonly agent: { readonly authorization: string };
  /** Basic credentials of the API that AUDIENCE belongs to. */
  readonly api: { readonly authorization: string };
  /** The same, as the API knows them. */
  readonly apiClient: { readonly id: string; readonly secret: string };
  /** Bearer header of an administrator; good for ten minutes. */
  administrator(): Promise<{ readonly authorization: string }>;
  /** Ends the process; the database stays. */
  end(): Promise<void>;
  /** SIGKILL; the database stays as it is. */
  kill(): void;
  /** Ends the process if it still runs, and starts another on the same database. */
  restart(): Promise<void>;
}

/** The code_verifier of every task, and its challenge: one process opens them all. */
const VERIFIER = randomBytes(32).toString('base64url');
const CHALLENGE = {
  code_challenge: createHash('sha256').update(VERIFIER).digest('base64url'),
  code_challenge_method: 'S256',
};

/** Parameters that open a root task with an ES256 JWT. */
const OPEN_TASK = {
  grant_type: 'client_credentials',
  scope: SCOPE,
  resource: AUDIENCE,
  ...CHALLENGE,
};

/** Parameters that derive a child task by RFC 8693. */
function deriveFrom(parent: string): Record<string, string> {
  return {
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    subject_token: parent,
    subject_token_type: ACCESS_TOKEN,
    code_verifier: VERIFIER,
    scope: SCOPE,
    resource: AUDIENCE,
  };
}

export async function startTaskgrant(stage: Stage, options: TaskgrantOptions): Promise<Taskgrant> {
  const home = await stage.directory();
  const postgres = options.database === 'postgres' ? await startOwnPostgres(stage) : undefined;
  const port = await freePort();
  const origin = `http://127.0.0.1:${port}`;
  const adminSecret = randomBytes(32).toString('base64url');
  const start = () =>
    startServerProcess({
      command: process.execPath,
      args: [...NODE_ARGS, ...(options.nodeArgs ?? []), PROGRAM],
      cwd: home,
      env: {
        ...START_ENV,
        // Production refuses to run without rate limits; nothing else that a request meets depends on the mode.
        NODE_ENV: 'development',
        RATE_LIMITS: 'off',
        // Room for the children that a load derives from one parent; the number is no part of any statement.
        TASK_MAX_CHILDREN: '100000',
        TASK_MAX_DEPTH: '16',
        PORT: String(port),
        ISSUER: origin,
        DATA_DIR: join(home, 'data'),
        LOG_DIR: join(home, 'logs'),
        ADMIN_CLIENT_SECRET: adminSecret,
        ...(postgres ? { DATABASE_URL: postgres.url } : {}),
        ...options.env,
      },
      readyAt: `${origin}/health/ready`,
    });
  let running = await start();
  const end = () => running.end();
  stage.onClear(end);
  const administrator = () => administratorOf(origin, adminSecret);
  const parties = await registerParties(origin, await administrator());
  return {
    origin,
    get pid() {
      return running.pid;
    },
    get startedIn() {
      return running.startedIn;
    },
    databasePid: postgres?.pid,
    settle: async () => postgres?.settle(),
    home,
    postgres,
    ...parties,
    administrator,
    end,
    kill: () => void process.kill(running.pid, 'SIGKILL'),
    async restart() {
      await running.end();
      running = await start();
    },
  };
}

/** Opens a root task. */
export function openTask({ origin, agent }: Taskgrant): Promise<Token> {
  return requestToken(origin, agent, OPEN_TASK);
}

/** Derives a child task of the task that the token is for. */
export function deriveTask({ origin, agent }: Taskgrant, parent: string): Promise<Token> {
  return requestToken(origin, agent, deriveFrom(parent));
}

/** Every request opens a root task. */
export function issuing(side: Taskgrant): Workload {
  return requestingTokens(side, [OPEN_TASK]);
}

/** Every request derives a child task of one of the parents, each in its turn. */
export function deriving(side: Taskgrant, parents: readonly string[]): Workload {
  return requestingTokens(side, parents.map(deriveFrom));
}

function requestingTokens({ agent }: Taskgrant, bodies: readonly Record<string, string>[]): Workload {
  return {
    path: TOKEN_PATH,
    headers: { ...FORM, ...agent },
    bodies: bodies.map(form),
    expect: '"access_token"',
  };
}

/** The API introspects the tokens, one after another. */
export function introspecting({ api }: Taskgrant, tokens: readonly string[]): Workload {
  return {
    path: '/api/oauth/introspect',
    headers: { ...FORM, ...api },
    bodies: tokens.map((token) => form({ token })),
    expect: '"active":true',
  };
}

function requestToken(
  origin: string,
  credentials: { authorization: string },
  parameters: Record<string, string>,
): Promise<Token> {
  return ask({
    url: `${origin}${TOKEN_PATH}`,
    headers: { ...FORM, ...credentials },
    body: form(parameters),
  });
}

async function administratorOf(origin: string, secret: string): Promise<{ authorization: string }> {
  const token = await requestToken(origin, basic('taskgrant-admin', secret), {
    grant_type: 'client_credentials',
    resource: `${origin}/api`,
    ...CHALLENGE,
  });
  return { authorization: `Bearer ${token.access_token}` };
}

interface Credentials {
  readonly credentials: { client_id: string; client_secret: string; registration_token: string };
}

/** An agent that acts, and an API that introspects. */
async function registerParties(origin: string, administrator: { authorization: string }) {
  const administer = (path: string, body: object) =>
    ask<Credentials>({
      url: `${origin}${path}`,
      headers: { ...administrator, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  const api = await administer('/api/admin/resource-servers', { name: 'Bench API', audiences: [AUDIENCE] });
  const agent = await administer('/api/agents/register', { agent_name: 'Bench agent', permissions: [SCOPE] });
  await administer('/api/agents/activate', { registration_token: agent.credentials.registration_token });
  const basicOf = ({ credentials }: Credentials) => basic(credentials.client_id, credentials.client_secret);
  const { client_id: id, client_secret: secret } = api.credentials;
  return { agent: basicOf(agent), api: basicOf(api), apiClient: { id, secret } };
}

interface Start {
  readonly env: Readonly<Record<string, string>>;
  readonly nodeArgs: readonly string[];
  readonly program: string;
}

function startOf(product: string): Start {
  const { scripts } = JSON.parse(readFileSync(join(product, 'package.json'), 'utf8')) as {
    scripts: { start: string };
  };
  const words = scripts.start.split(' ');
  const assignments = words.filter((word) => /^[A-Z_]+=/.test(word));
  return {
    env: Object.fromEntries(assignments.map((word) => word.split('=', 2))),
    nodeArgs: words.filter((word) => word.startsWith('--')),
    program: join(product, words.at(-1) ?? ''),
  };
}
