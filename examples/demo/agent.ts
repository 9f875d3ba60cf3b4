import { createHash, randomBytes } from 'node:crypto';
import { type Answer, call, expect, text } from './http.ts';

const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';

export interface Credentials {
  readonly name: string;
  readonly clientId: string;
  readonly clientSecret: string;
}

/** A task as the agent that works on it holds it: the token to act with, the verifier to extend the task with. */
export interface HeldTask {
  readonly holder: string;
  readonly taskId: string;
  readonly tokenId: string;
  readonly token: string;
  readonly scope: string;
  readonly verifier: string;
}

type Parameters = Readonly<Record<string, string | readonly string[]>>;

/** An OAuth client that acts. Standard requests only; no library is needed. */
export class Agent {
  readonly name: string;
  readonly clientId: string;
  readonly #secret: string;
  readonly #issuer: string;

  constructor(issuer: string, { name, clientId, clientSecret }: Credentials) {
    this.#issuer = issuer;
    this.name = name;
    this.clientId = clientId;
    this.#secret = clientSecret;
  }

  /** Where to send the person, and what to keep until they come back (RFC 7636). */
  authorization(
    redirectUri: string,
    parameters: Parameters,
  ): { url: string; verifier: string; state: string } {
    const verifier = newVerifier();
    const state = newVerifier();
    const query = form({
      response_type: 'code',
      client_id: this.clientId,
      redirect_uri: redirectUri,
      state,
      ...challenge(verifier),
      ...parameters,
    });
    return { url: `${this.#issuer}/api/oauth/authorize?${query.toString()}`, verifier, state };
  }

  async redeem(code: string, redirectUri: string, verifier: string): Promise<HeldTask> {
    const parameters = { code, redirect_uri: redirectUri, code_verifier: verifier };
    return this.#hold(verifier, await this.#token('authorization_code', parameters));
  }

  /** A voucher for part of the task's authority that only `to` can use, once and within two minutes. */
  async handOff(task: HeldTask, to: Agent, parameters: Parameters): Promise<string> {
    const answer = await this.#token(EXCHANGE, {
      ...subject(task.token),
      code_verifier: task.verifier,
      delegate_to: to.clientId,
      ...parameters,
    });
    return text(expect(`${this.name} hands off to ${to.name}`, answer, 200).body, 'access_token');
  }

  /** A child task from a hand-off token: bound to this process by a challenge of its own. */
  async accept(voucher: string, parameters: Parameters): Promise<HeldTask> {
    const verifier = newVerifier();
    return this.#hold(
      verifier,
      await this.#token(EXCHANGE, { ...subject(voucher), ...challenge(verifier), ...parameters }),
    );
  }

  /** A child task of the agent's own task. */
  async derive(task: HeldTask, parameters: Parameters): Promise<HeldTask> {
    return this.#hold(
      task.verifier,
      await this.tryDerive(task, { code_verifier: task.verifier, ...parameters }),
    );
  }

  /** Only the parameters given: to show what is refused. */
  tryDerive(task: HeldTask, parameters: Parameters): Promise<Answer> {
    return this.#token(EXCHANGE, { ...subject(task.token), ...parameters });
  }

  #token(grantType: string, parameters: Parameters): Promise<Answer> {
    const basic = Buffer.from(`${this.clientId}:${this.#secret}`).toString('base64');
    return call(`${this.#issuer}/api/oauth/token`, {
      headers: { Authorization: `Basic ${basic}` },
      form: form({ grant_type: grantType, ...parameters }),
    });
  }

  #hold(verifier: string, answer: Answer): HeldTask {
    const { body } = expect(`${this.name} asks for a token`, answer, 200);
    return {
      holder: this.name,
      taskId: text(body, 'task_id'),
      tokenId: text(body, 'token_id'),
      token: text(body, 'access_token'),
      scope: text(body, 'scope'),
      verifier,
    };
  }
}

function subject(token: string): Parameters {
  return { subject_token: token, subject_token_type: ACCESS_TOKEN };
}

function newVerifier(): string {
  return randomBytes(32).toString('base64url');
}

function challenge(verifier: string): Parameters {
  return {
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
  };
}

/** Lists become repeated parameters. */
function form(parameters: Parameters): URLSearchParams {
  const pairs = Object.entries(parameters).flatMap(([name, value]) =>
    [value].flat().map((one) => [name, one]),
  );
  return new URLSearchParams(pairs as [string, string][]);
}
