import { setTimeout } from 'node:timers/promises';
import { type AgentParty, pkce } from '../support/parties.ts';
import { type Answer, type Form, postForm } from '../support/requests.ts';
import type { RunningServer } from '../support/server.ts';
import { ACCESS_TOKEN, ADMIN, TOKEN_EXCHANGE, TOKEN_PATH } from '../support/token-requests.ts';

/** An access token that the server has answered with. */
export interface AnsweredToken {
  readonly token: string;
  readonly tokenId: string;
  readonly taskId: string;
  readonly refreshToken: string | undefined;
  readonly verifier: string;
  /** The token that its task was derived with; undefined at a root. */
  readonly parent: AnsweredToken | undefined;
  /** `asked`: a request to revoke it was sent, and nobody knows what came of it; `answered`: it was confirmed. */
  revocation: 'none' | 'asked' | 'answered';
}

/** An answer that was not 200, or none at all. */
export interface Failure {
  readonly kind: string;
  readonly answer: Answer | undefined;
  /** What it was asked with, at a child or a refresh. */
  readonly about: AnsweredToken | undefined;
}

export interface Load {
  /** What was answered with 200, in this order. */
  readonly tokens: AnsweredToken[];
  readonly failures: Failure[];
  /** The longest wait for an answer so far, in milliseconds. */
  slowest(): number;
  /**
   * Waits until each client has been answered with 200 what it began to ask after this call.
   * @throws Error when that takes longer than so many milliseconds.
   */
  turned(withinMs: number): Promise<void>;
  /** Lets the requests under way end, and sends no more. */
  stop(): Promise<void>;
}

export interface LoadOptions {
  readonly agent: AgentParty;
  readonly clients: number;
  /** Milliseconds that each client rests after a request that failed, unless the load is stopped before. */
  readonly restMs?: number;
}

/** Roots, children, refreshed tokens and revocations, by many clients at once, until it is stopped. */
export function startLoad(server: RunningServer, { agent, clients, restMs = 20 }: LoadOptions): Load {
  const tokens: AnsweredToken[] = [];
  const failures: Load['failures'] = [];
  const stopped = new AbortController();
  const running = () => !stopped.signal.aborted;
  /** When each client began the last request that was answered with 200. */
  const begun = Array.from({ length: clients }, () => -Infinity);
  let slowest = 0;

  async function ask(
    kind: string,
    path: string,
    form: Form,
    about?: AnsweredToken,
  ): Promise<Answer | undefined> {
    const started = performance.now();
    const headers = kind === 'revoke' ? ADMIN.headers : agent.headers;
    const answer = await postForm(server, path, form, headers).catch(() => undefined);
    slowest = Math.max(slowest, performance.now() - started);
    if (answer?.status === 200) return answer;
    failures.push({ kind, answer, about });
    await setTimeout(restMs, undefined, stopped).catch(() => undefined);
    return undefined;
  }

  async function issue(
    kind: string,
    form: Form,
    over: Pick<AnsweredToken, 'verifier' | 'parent'>,
    about?: AnsweredToken,
  ) {
    const answer = await ask(kind, TOKEN_PATH, form, about);
    if (!answer) return undefined;
    const {
      access_token: token,
      token_id: tokenId,
      task_id: taskId,
      refresh_token: refreshToken,
    } = answer.body;
    tokens.push({ token, tokenId, taskId, refreshToken, revocation: 'none', ...over });
    return answer;
  }

  const open = () => {
    const proof = pkce();
    const form = { grant_type: 'client_credentials', ...proof.parameters };
    return issue('open', form, { verifier: proof.verifier, parent: undefined });
  };
  const derive = (parent: AnsweredToken) => {
    const form = {
      grant_type: TOKEN_EXCHANGE,
      subject_token: parent.token,
      subject_token_type: ACCESS_TOKEN,
      code_verifier: parent.verifier,
    };
    return issue('derive', form, { verifier: parent.verifier, parent }, parent);
  };
  const refresh = (token: AnsweredToken) => {
    const { refreshToken = '', verifier, parent } = token;
    const form = { grant_type: 'refresh_token', refresh_token: refreshToken, code_verifier: verifier };
    return issue('refresh', form, { verifier, parent }, token);
  };
  const revoke = async (target: AnsweredToken) => {
    target.revocation = 'asked';
    const answer = await ask('revoke', '/api/oauth/revoke', { token: target.token });
    if (answer) target.revocation = 'answered';
    return answer;
  };

  function step(i: number): Promise<Answer | undefined> {
    const known = tokens[(i * 7919) % Math.max(tokens.length, 1)];
    const fit = known && !isCovered(known);
    if (fit && i % 4 === 1) return derive(known);
    if (fit && i % 4 === 2 && known.refreshToken) return refresh(known);
    if (fit && i % 8 === 3) return revoke(known);
    return open();
  }

  async function client(seed: number): Promise<void> {
    for (let i = seed; running(); i += 1) {
      const began = performance.now();
      if (await step(i)) begun[seed] = began;
    }
  }

  const all = Promise.all(Array.from({ length: clients }, (_, i) => client(i)));
  return {
    tokens,
    failures,
    slowest: () => slowest,
    async turned(withinMs) {
      const since = performance.now();
      const behind = () => begun.filter((began) => began < since).length;
      for (; behind() > 0; await setTimeout(10)) {
        if (performance.now() < since + withinMs) continue;
        throw new Error(`${behind()} of ${clients} clients were answered nothing in ${withinMs} ms`);
      }
    },
    async stop() {
      stopped.abort();
      await all;
    },
  };
}

/** Whether the end of it, or of something above it, was at least asked for. */
export function isCovered(token: AnsweredToken): boolean {
  return token.revocation !== 'none' || (token.parent !== undefined && isCovered(token.parent));
}

/** Whether the end of it, or of something above it, was confirmed. */
export function isEnded(token: AnsweredToken): boolean {
  return token.revocation === 'answered' || (token.parent !== undefined && isEnded(token.parent));
}

/** Failures that nothing excuses: not a lost answer, not 503, and not that what was asked with had just been revoked. */
export function wrongRefusals({ failures }: Load): unknown[] {
  return failures
    .filter(({ answer, about }) => answer && answer.status !== 503 && !(about && isCovered(about)))
    .map(({ kind, answer }) => [kind, answer?.status, answer?.text]);
}
