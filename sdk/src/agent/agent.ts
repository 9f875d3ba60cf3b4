import { waitFor } from '../shared/abort.ts';
import { ASYNC_DISPOSE } from '../shared/dispose.ts';
import { jwtPayload } from '../shared/encoding.ts';
import { isRecord, TaskgrantError } from '../shared/errors.ts';
import type { ServerMetadata } from '../shared/issuer.ts';
import type { PrivateKey } from '../shared/signing-key.ts';
import { type ApiKeyTerms, logIn, openByApiKey } from './api-key.ts';
import { type Authorization, type AuthorizationOptions, beginAuthorization } from './authorization.ts';
import { type ApiCall, type CallOptions, Connection, type ConnectionOptions } from './connection.ts';
import { exchangeTask, type Opened, openTask, refreshTokens } from './opening.ts';
import { type HandOff, Task, type TaskHome } from './task.ts';
import type { TaskContext } from './task-context.ts';
import type { TaskFetchInit } from './task-fetch.ts';
import type { TaskOptions } from './task-options.ts';
import { runTask } from './task-run.ts';

/** Who the agent is, and what it asks for where a call does not say. */
export interface AgentOptions extends ConnectionOptions {
  /** Absent for a client that only registers agents, or that has an API key alone. */
  readonly clientId?: string | undefined;
  readonly clientSecret?: string | undefined;
  /** For agents registered with `private_key_jwt`, in the place of a secret. */
  readonly privateKey?: PrivateKey | undefined;
  /** `kid` of the private key, unless it is a JWK that has one. */
  readonly keyId?: string | undefined;
  /** For agents that were registered with an API key; with `clientId` the tasks can be continued, without only used. */
  readonly apiKey?: string | undefined;
  /** A token from elsewhere, to be used as long as it lives. */
  readonly accessToken?: string | undefined;
  /** Rights that the agent's own task asks for. Default: the agent's default scope. */
  readonly scope?: string | readonly string[] | undefined;
  /** The APIs that the agent's own task is for. */
  readonly audience?: string | readonly string[] | undefined;
  /** What the agent's own task is about. */
  readonly description?: string | undefined;
  /** Further origins that tokens may be sent to, for every task. */
  readonly origins?: readonly string[] | undefined;
}

/** Seconds that a token is tried for when it does not say how long it lives. */
const UNKNOWN_LIFETIME = 3600;

/** One agent in one process: its credentials, its tasks, its tokens. All of it in memory alone. */
export class AgentClient {
  readonly issuer: string;
  /** For the calls that are built on it; not part of what the package promises. */
  readonly connection: Connection;
  readonly #options: AgentOptions;
  readonly #home: TaskHome;
  #current: Task | undefined;
  #opening: Promise<Task> | undefined;
  #closed = false;

  constructor(options: AgentOptions, context: TaskContext<Task>) {
    const connection = new Connection(options);
    const { clientId, clientSecret, privateKey, keyId, accessToken, origins = [] } = options;
    if (clientId !== undefined) connection.credentials = { clientId, clientSecret, privateKey, keyId };
    this.issuer = connection.issuer;
    this.connection = connection;
    this.#options = options;
    this.#home = { connection, context, open: new Set(), origins };
    if (accessToken !== undefined) this.setAccessToken(accessToken);
  }

  get clientId(): string | undefined {
    return this.connection.credentials?.clientId;
  }

  /** The server's metadata (RFC 8414), asked once. */
  metadata(): Promise<ServerMetadata> {
    return this.connection.metadata();
  }

  /**
   * Opens a task. With `work` it is completed when that returns, failed when it throws, revoked when `signal` is
   * aborted; without, it is yours to end (`await using`). Always a root: children come from `task.child`.
   * @throws TaskgrantError what the server refuses; whatever `work` throws.
   */
  task(options?: TaskOptions): Promise<Task>;
  task<T>(options: TaskOptions, work: (task: Task) => Promise<T> | T): Promise<T>;
  async task<T>(options: TaskOptions = {}, work?: (task: Task) => Promise<T> | T): Promise<Task | T> {
    this.#requireOpen();
    return this.#begin(await openTask(this.connection, options, { signal: options.signal }), options, work);
  }

  /** Goes on with what another agent handed off: a child of its task, bound to this process. Ends like `task`. */
  accept(handOff: HandOff | string, options?: TaskOptions): Promise<Task>;
  accept<T>(
    handOff: HandOff | string,
    options: TaskOptions,
    work: (task: Task) => Promise<T> | T,
  ): Promise<T>;
  async accept<T>(
    handOff: HandOff | string,
    options: TaskOptions = {},
    work?: (task: Task) => Promise<T> | T,
  ): Promise<Task | T> {
    this.#requireOpen();
    const parent = { token: typeof handOff === 'string' ? handOff : handOff.token };
    const accept = this.connection.confidential ? openTask : exchangeTask;
    const opened = await accept(this.connection, options, { parent, signal: options.signal });
    // A refresh token is given where the task's id gets none (tasks of people).
    const joins = opened.joins && opened.answer.refresh_token === undefined;
    return this.#begin({ ...opened, joins }, options, work);
  }

  /** A child of a task whose token is at hand: one of this agent's from elsewhere, or one that names it a delegate. */
  async derive(parent: ParentToken, options: TaskOptions = {}): Promise<Task> {
    this.#requireOpen();
    const { token, taskId, codeVerifier: verifier } = parent;
    const asked = { parent: { token, taskId, verifier }, signal: options.signal };
    return this.#adopt(await openTask(this.connection, options, asked), options);
  }

  /** Begins to ask a person: gives the URL to open, and redeems what comes back. */
  async authorization(options: AuthorizationOptions): Promise<Authorization> {
    this.#requireOpen();
    return beginAuthorization(this.connection, options, (opened) => this.#adopt(opened, options, true));
  }

  /** The task of a refresh token that was kept from an earlier run. The refresh token is rotated at once. */
  async resume(kept: KeptTask, options: CallOptions & Pick<TaskOptions, 'origins'> = {}): Promise<Task> {
    this.#requireOpen();
    const { refreshToken, codeVerifier: verifier } = kept;
    const answer = await refreshTokens(this.connection, refreshToken, { verifier, signal: options.signal });
    return this.#adopt({ answer, verifier, joins: false }, options, true);
  }

  /** Proves the agent with an API key. The task becomes the one that the agent acts for. */
  async verifyWithApiKey(terms: ApiKeyTerms & CallOptions) {
    this.#requireOpen();
    const { verified, opened } = await openByApiKey(this.connection, terms);
    this.#current = this.#adopt(opened, {});
    return verified;
  }

  /** The task that the agent acts for outside `task`: the last one that was asked for, else one of its own. */
  async current({ signal }: CallOptions = {}): Promise<Task> {
    this.#requireOpen();
    const { clock } = this.connection.http;
    const held = this.#current;
    if (held && !held.ended && clock.now() < held.expiresAt) return held;
    this.#opening ??= this.#openOwn().finally(() => {
      this.#opening = undefined;
    });
    return waitFor(this.#opening, signal);
  }

  /** Makes a task the one that the agent acts for; `undefined` = one of its own, when it is needed. */
  use(task: Task | undefined): void {
    this.#current = task;
  }

  /** Uses a token from elsewhere, as long as it lives. */
  setAccessToken(token: string): void {
    this.#current = this.#adopt(borrowed(token, this.connection.http.clock.now()), {}, true);
  }

  /** A token of the task that the code which runs belongs to, else of the agent's own. @throws TaskgrantError */
  async accessToken(audience?: string, options?: CallOptions): Promise<string> {
    return (await this.#acting(options)).accessToken(audience, options);
  }

  /** `fetch` with that token; see `Task.fetch`. */
  async fetch(input: string | URL | Request, init?: TaskFetchInit): Promise<Response> {
    return (await this.#acting({ signal: init?.signal ?? undefined })).fetch(input, init);
  }

  /** Whether there is anything to get a token with. */
  get hasCredentials(): boolean {
    return this.connection.confidential || this.#options.apiKey !== undefined || this.#current !== undefined;
  }

  /**
   * A route of the REST API; what the calls by name are made of.
   * @param as whose token goes along: `agent` = its own, `anyone` = its own where it has any, `nobody` = none.
   */
  async request<T>(call: ApiCall, as: 'agent' | 'anyone' | 'nobody' = 'agent'): Promise<T> {
    this.#requireOpen();
    const anonymous = as === 'nobody' || (as === 'anyone' && !this.hasCredentials);
    const bearer = anonymous ? undefined : await (await this.current(call)).held(undefined, call);
    return (await this.connection.api({ ...call, bearer })) as T;
  }

  /** Revokes the tasks that are still open, as far as the server can be told in time, and forgets every secret. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await Promise.allSettled([...this.#home.open].map((task) => task[ASYNC_DISPOSE]()));
    this.connection.closed = true;
    this.connection.credentials = undefined;
  }

  async [ASYNC_DISPOSE](): Promise<void> {
    await this.close();
  }

  async #acting(options?: CallOptions): Promise<Task> {
    this.#requireOpen();
    return this.#home.context.current() ?? this.current(options);
  }

  #begin<T>(opened: Opened, options: TaskOptions, work?: (task: Task) => Promise<T> | T): Task | Promise<T> {
    const task = this.#adopt(opened, options);
    return work ? runTask(task, work, this.#home.context) : task;
  }

  #adopt(opened: Opened, options: Pick<TaskOptions, 'origins' | 'signal'>, lasting = false): Task {
    const task = new Task(this.#home, { opened, options, lasting });
    if (!this.#closed) return task;
    // Closed while the server was asked: nothing may stay behind.
    task[ASYNC_DISPOSE]().catch(() => undefined);
    throw closed();
  }

  async #openOwn(): Promise<Task> {
    const { apiKey, scope, audience, description } = this.#options;
    const terms = { scope, audience, description };
    if (apiKey === undefined) this.#current = await this.task(terms);
    else if (this.clientId === undefined)
      this.#current = this.#adopt(await logIn(this.connection, apiKey), {});
    else await this.verifyWithApiKey({ ...terms, agentId: this.clientId, apiKey });
    return this.#current as Task;
  }

  #requireOpen(): void {
    if (this.#closed) throw closed();
  }
}

/** A parent by its token. */
export interface ParentToken {
  /** An access token of the parent task, or a hand-off token. */
  readonly token: string;
  /** Its task: a cross-check. */
  readonly taskId?: string | undefined;
  /** What the parent is bound to, when the parent is this agent's own. */
  readonly codeVerifier?: string | undefined;
}

/** What has to be kept of a person's task to go on with it later. */
export interface KeptTask {
  readonly refreshToken: string;
  /** Of the task; its children need it. */
  readonly codeVerifier?: string | undefined;
}

function closed(): TaskgrantError {
  return new TaskgrantError('closed', 'the client is closed');
}

/** What a token says of itself; one that says nothing is used as it is. */
function borrowed(token: string, now: number): Opened {
  const { exp, scope, task, cnf } = jwtPayload(token) ?? {};
  const answer = {
    access_token: token,
    token_type: cnf ? 'DPoP' : 'Bearer',
    expires_in: exp ? Math.max(1, Number(exp) - now / 1000) : UNKNOWN_LIFETIME,
    scope: typeof scope === 'string' ? scope : '',
    token_id: '',
    task_id: isRecord(task) ? String(task['id']) : '',
  };
  return { answer, verifier: undefined, joins: false };
}
