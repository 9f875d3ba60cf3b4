import { link, type Linked, waitFor } from '../shared/abort.ts';
import { ASYNC_DISPOSE } from '../shared/dispose.ts';
import { TaskgrantError } from '../shared/errors.ts';
import type { CallOptions, Connection } from './connection.ts';
import { type HeldToken, HeldTokens } from './held-tokens.ts';
import { exchange, exchangeTask, type Opened, openTask, renewalOf } from './opening.ts';
import type { TaskContext } from './task-context.ts';
import { fetchForTask, type TaskFetchInit, taskFields } from './task-fetch.ts';
import { type HandOffTerms, narrowing, type TaskOptions } from './task-options.ts';
import { runTask } from './task-run.ts';
import type { TokenAnswer } from './token-answer.ts';

/** What another agent needs to go on with part of a task: good for one use, by that agent alone, for two minutes. */
export interface HandOff {
  /** A hand-off token. Worth nothing at any API. */
  readonly token: string;
  readonly delegate: string;
  readonly scope: string;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

/** How a task ended. `affected_child_tokens` counts unexpired tokens below it, at most 1,000. */
export interface Ended {
  readonly task_id: string;
  readonly state: 'completed' | 'failed' | 'revoked';
  readonly affected_child_tokens: number;
  readonly affected_truncated: boolean;
}

/** What tasks share with the agent that opened them. */
export interface TaskHome {
  readonly connection: Connection;
  readonly context: TaskContext<Task>;
  /** Tasks that are open, to be revoked when the agent is closed. */
  readonly open: Set<Task>;
  readonly origins: readonly string[];
}

interface TaskParts {
  readonly opened: Opened;
  readonly options: Pick<TaskOptions, 'origins' | 'signal'>;
  readonly parent?: Task | undefined;
  /** Closing the agent leaves it alone: what a person approved lives on. */
  readonly lasting?: boolean | undefined;
}

const ENDINGS = { complete: 'completed', fail: 'failed', revoke: 'revoked' } as const;
type Ending = keyof typeof ENDINGS;
/** How long a disposal may keep its caller. */
const DISPOSAL_MS = 15_000;

/**
 * A task of this agent: what may be done, with the tokens for it. Everything that extends it (renewing, children,
 * completing) carries the verifier or proof by itself; they never leave this object.
 */
export class Task {
  readonly id: string;
  readonly parentId: string | undefined;
  readonly rootId: string;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
  /** Aborted when the task ends here: completed, failed, revoked, or with its parent. */
  readonly signal: AbortSignal;
  readonly #home: TaskHome;
  readonly #opened: Opened;
  readonly #tokens: HeldTokens;
  readonly #origins: readonly string[];
  readonly #linked: Linked;
  #ended = false;

  constructor(home: TaskHome, { opened, options, parent, lasting = false }: TaskParts) {
    const { answer } = opened;
    const { connection } = home;
    this.#home = home;
    this.#opened = opened;
    this.#tokens = new HeldTokens(answer, renewalOf(connection, opened), connection.http.clock);
    this.#origins = [...home.origins, ...(options.origins ?? [])];
    this.#linked = link(parent?.signal, options.signal);
    this.id = answer.task_id;
    this.parentId = answer.parent_task_id;
    this.rootId = answer.task?.root ?? answer.task_id;
    this.expiresAt = this.#tokens.taskExpiresAt;
    this.signal = this.#linked.signal;
    const { open } = home;
    // What has run out, or ends with its parent, need not be revoked, nor remembered for that.
    for (const old of open) if (old.expiresAt <= connection.http.clock.now()) open.delete(old);
    if (!lasting) open.add(this);
    this.signal.addEventListener('abort', () => parent?.signal.aborted && open.delete(this));
  }

  /** The answer of the token endpoint to the last request: what the task may do now. Holds the access token. */
  get answer(): TokenAnswer {
    return this.#tokens.main.answer;
  }

  /** Rights of the last token. */
  get scope(): readonly string[] {
    return this.answer.scope.match(/\S+/g) ?? [];
  }

  get tools(): readonly string[] {
    return this.answer.granted_tools ?? [];
  }

  /** Whether it was completed, failed, revoked or disposed of here. */
  get ended(): boolean {
    return this.#ended;
  }

  /** For a client that stores a person's refresh token: what `agent.resume` needs. */
  get codeVerifier(): string | undefined {
    return this.#opened.verifier;
  }

  /** An access token that is good for a while; for one of the audiences when one is named. @throws TaskgrantError */
  async accessToken(audience?: string, options?: CallOptions): Promise<string> {
    return (await this.held(audience, options)).value;
  }

  /** The same with what goes with it; for the calls of the SDK itself. */
  async held(audience?: string, { signal }: CallOptions = {}): Promise<HeldToken> {
    this.#requireOpen();
    return waitFor(this.#tokens.get(audience), signal);
  }

  /** The fields of one request, for HTTP clients of your own: token, X-Task-ID and parents, proof. */
  async headers(method: string, url: string | URL, audience?: string): Promise<Record<string, string>> {
    const token = await this.held(audience);
    return {
      ...(await this.#home.connection.authorization(token, method, String(url))),
      ...taskFields(token),
    };
  }

  /** Another access token now, though the last one has not expired. */
  async renew({ signal }: CallOptions = {}): Promise<TokenAnswer> {
    this.#requireOpen();
    return (await waitFor(this.#tokens.get(undefined, this.#tokens.main.value), signal)).answer;
  }

  /**
   * `fetch` with the token. It goes to the task's audiences and the `origins` alone; redirects are followed within the
   * origin; after a 401 the token is renewed once.
   * @throws TaskgrantError `origin_refused`; whatever the global fetch throws.
   */
  async fetch(input: string | URL | Request, init?: TaskFetchInit): Promise<Response> {
    this.#requireOpen();
    const { connection } = this.#home;
    const destinations = () => {
      const { audience, answer } = this.#tokens.main;
      const audiences = answer.task?.audiences ?? (audience === undefined ? [] : [audience]);
      return { audiences, origins: this.#origins };
    };
    return fetchForTask({ connection, tokens: this.#tokens, destinations, signal: this.signal }, input, init);
  }

  /**
   * A narrower task of the same agent. With `work` it is completed when that returns and failed when it throws; without,
   * it is yours to end (`await using`).
   */
  child(options: TaskOptions): Promise<Task>;
  child<T>(options: TaskOptions, work: (task: Task) => Promise<T> | T): Promise<T>;
  async child<T>(options: TaskOptions, work?: (task: Task) => Promise<T> | T): Promise<Task | T> {
    const task = await this.#derive(options);
    return work ? runTask(task, work, this.#home.context) : task;
  }

  async #derive(options: TaskOptions): Promise<Task> {
    const { connection } = this.#home;
    const { verifier } = this.#opened;
    const token = await this.accessToken(undefined, options);
    const asked = { parent: { token, taskId: this.id, verifier }, signal: options.signal };
    // What cannot be continued by its id gains nothing by that door, which is not open to public clients.
    const derive = this.#opened.joins ? openTask : exchangeTask;
    return new Task(this.#home, { opened: await derive(connection, options, asked), options, parent: this });
  }

  /**
   * Hands part of the task to another agent, which must be among the `delegates` of the task. Send it the hand-off; it
   * goes on with `agent.accept`. Your own token never leaves.
   */
  async delegate(clientId: string, terms: HandOffTerms = {}): Promise<HandOff> {
    const { connection } = this.#home;
    const value = await this.accessToken(undefined, terms);
    const { verifier } = this.#opened;
    const form = { ...exchange(value), ...narrowing(terms), delegate_to: clientId, code_verifier: verifier };
    // A voucher that got lost is nobody's, for two minutes: making another one grants nothing more.
    const answer = await connection.token(() => form, { repeatable: true, signal: terms.signal });
    const expiresAt = connection.http.clock.now() + answer.expires_in * 1000;
    return { token: answer.access_token, delegate: clientId, scope: answer.scope, expiresAt };
  }

  /** Runs a function in this task's context: `currentTask()` is this one there. */
  run<T>(work: () => T): T {
    return this.#home.context.run(this, work);
  }

  /** Says that the work is done: the task and everything below it ends. @throws TaskgrantError if it had ended. */
  complete(reason?: string, options?: CallOptions): Promise<Ended> {
    return this.#end('complete', reason, options);
  }

  /** Says that the work failed. @throws TaskgrantError if the task had ended. */
  fail(reason?: string, options?: CallOptions): Promise<Ended> {
    return this.#end('fail', reason, options);
  }

  /** Ends the task and everything below it. One that has ended already is no error. */
  async revoke(reason?: string, options?: CallOptions): Promise<Ended | undefined> {
    if (this.#ended) return undefined;
    try {
      return await this.#end('revoke', reason, options);
    } catch (error) {
      if (isOver(error)) return undefined;
      throw error;
    }
  }

  /** Ends the task here alone: tokens are forgotten, requests aborted. The server is told nothing. */
  abandon(): void {
    this.#settle('is abandoned');
  }

  /** `await using`: revokes the task unless it was ended. It is over here even if the server could not be told. */
  async [ASYNC_DISPOSE](): Promise<void> {
    try {
      await this.revoke('disposed of', { signal: AbortSignal.timeout(DISPOSAL_MS) });
    } finally {
      this.abandon();
    }
  }

  /** For logs: never a token. */
  toJSON(): { readonly id: string; readonly parentId?: string | undefined } {
    return { id: this.id, parentId: this.parentId };
  }

  async #end(as: Ending, reason: string | undefined, options: CallOptions = {}): Promise<Ended> {
    this.#requireOpen();
    // Only who started the task can say how it went; ending it takes no proof.
    const verifier = as === 'revoke' ? {} : { code_verifier: this.#opened.verifier };
    this.#ended = true;
    try {
      const answer = await this.#home.connection.api({
        method: 'POST',
        path: `/api/tasks/${encodeURIComponent(this.id)}/${as}`,
        bearer: await waitFor(this.#tokens.get(), options.signal),
        body: { reason, ...verifier },
        repeatable: true,
        signal: options.signal,
      });
      this.#settle(`is ${ENDINGS[as]}`);
      return answer as Ended;
    } catch (error) {
      this.#ended = false;
      if (isOver(error)) this.#settle('had ended');
      throw error;
    }
  }

  #settle(how: string): void {
    this.#ended = true;
    this.#home.open.delete(this);
    this.#tokens.clear();
    this.#linked.abort(new TaskgrantError('task_ended', `the task ${how}`));
    this.#linked.release();
  }

  #requireOpen(): void {
    if (this.#ended) throw new TaskgrantError('task_ended', 'the task has ended');
  }
}

/** Whether the server says that there is nothing left to end. */
function isOver(error: unknown): boolean {
  return (
    error instanceof TaskgrantError &&
    (error.code === 'invalid_token' || error.code === 'task_ended' || error.taskError === 'task_not_active')
  );
}
