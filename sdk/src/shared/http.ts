import { link } from './abort.ts';
import type { Answer } from './answer.ts';
import { type Clock, systemClock } from './clock.ts';
import { errorOf, TaskgrantError } from './errors.ts';

/** How calls to the server behave; every client of the SDK takes these. */
export interface HttpOptions {
  /** The network. Default: the global `fetch`. */
  readonly fetch?: typeof globalThis.fetch | undefined;
  /** Milliseconds that one attempt may take. Default 10,000. */
  readonly timeout?: number | undefined;
  /** Attempts after the first. Default 3, waiting about 1, 2 and 4 seconds. */
  readonly maxRetries?: number | undefined;
  /** Milliseconds that a call may take with all its attempts. Default 60,000. */
  readonly deadline?: number | undefined;
  /** Milliseconds: the longest `Retry-After` that is waited for; a longer one ends the call. Default 30,000. */
  readonly maxRetryAfter?: number | undefined;
  readonly clock?: Clock | undefined;
  /** 0 to 1, for the jitter. Default `Math.random`. */
  readonly random?: (() => number) | undefined;
}

export interface HttpRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | URLSearchParams | undefined;
}

/** How a call may be repeated. */
export interface CallRules {
  /**
   * Whether sending it twice does what sending it once does: by its nature, or by an Idempotency-Key. If not, only a
   * 429 is repeated, which says that nothing was done.
   */
  readonly repeatable: boolean;
  /** Milliseconds from the first attempt after which none may begin. */
  readonly within?: number | undefined;
  /** Sends the request once more, at once, when the answer says how it wants it (a DPoP nonce). */
  readonly adjust?: ((answer: Answer, request: HttpRequest) => boolean) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Requests to the server: bounded in time, repeated where that is safe. */
export interface Http {
  readonly clock: Clock;
  readonly fetch: typeof globalThis.fetch;
  /**
   * Answers 2xx only. `make` is asked for every attempt, so that what works once (assertions, proofs) is made anew.
   * @throws TaskgrantError for everything else; the signal's reason when it is aborted.
   */
  call(make: () => Promise<HttpRequest> | HttpRequest, rules: CallRules): Promise<Answer>;
}

export function createHttp(options: HttpOptions): Http {
  const { timeout = 10_000, maxRetries = 3, deadline = 60_000, maxRetryAfter = 30_000 } = options;
  const { clock = systemClock, random = Math.random } = options;
  const fetch: typeof globalThis.fetch = options.fetch ?? ((input, init) => globalThis.fetch(input, init));

  return { clock, fetch, call };

  async function call(make: () => Promise<HttpRequest> | HttpRequest, rules: CallRules): Promise<Answer> {
    const start = clock.now();
    const ends = start + Math.min(deadline, rules.within ?? deadline);
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await adjusted(make, rules, Math.max(1, Math.min(timeout, start + deadline - clock.now())));
      } catch (error) {
        if (!(error instanceof TaskgrantError) || attempt >= maxRetries) throw error;
        const wait = waitBefore(error, rules, attempt);
        if (wait === undefined || clock.now() + wait >= ends) throw error;
        await clock.sleep(wait, rules.signal);
      }
    }
  }

  /** Milliseconds; undefined = do not try again. */
  function waitBefore(error: TaskgrantError, { repeatable }: CallRules, attempt: number): number | undefined {
    if (!error.retryable || (!repeatable && error.status !== 429)) return undefined;
    const backoff = 1000 * 2 ** attempt * (0.75 + random() / 2);
    const asked = (error.retryAfter ?? 0) * 1000;
    return asked > maxRetryAfter ? undefined : Math.max(backoff, asked);
  }

  async function adjusted(
    make: () => Promise<HttpRequest> | HttpRequest,
    { adjust, signal }: CallRules,
    limit: number,
  ): Promise<Answer> {
    const request = await make();
    let answer = await once(request, limit, signal);
    if (adjust?.(answer, request)) answer = await once(await make(), limit, signal);
    const error = errorOf(answer);
    if (error) throw error;
    return answer;
  }

  async function once(request: HttpRequest, limit: number, signal: AbortSignal | undefined): Promise<Answer> {
    signal?.throwIfAborted();
    const { url, ...init } = request;
    const linked = link(signal);
    const timer = setTimeout(() => linked.abort(undefined), limit);
    try {
      const sent = { ...init, redirect: 'manual', signal: linked.signal } as RequestInit;
      return await readAnswer(await fetch(url, sent));
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof TaskgrantError) throw error;
      throw noAnswer(url, linked.signal.aborted, error);
    } finally {
      clearTimeout(timer);
      linked.release();
    }
  }
}

/** Names the host alone: paths and queries may carry ids that are nobody's business. */
function noAnswer(url: string, late: boolean, cause: unknown): TaskgrantError {
  const { host } = new URL(url);
  return late
    ? new TaskgrantError('timeout', `${host} did not answer in time`, { retryable: true })
    : new TaskgrantError('network_error', `${host} cannot be reached`, { retryable: true, cause });
}

async function readAnswer(response: Response): Promise<Answer> {
  const { status, headers } = response;
  const text = await response.text();
  const isJson = /^application\/([a-z-]+\+)?json\b/i.test(headers.get('content-type') ?? '');
  let body: unknown;
  try {
    if (isJson) body = JSON.parse(text);
  } catch {
    // The status of a failure says enough. The parser's own message would quote the answer, which may hold a token.
    if (response.ok) throw new TaskgrantError('answer_invalid', 'the answer is no JSON', { status });
  }
  return { status, headers, body };
}
