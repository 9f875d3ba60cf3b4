import type { Answer } from '../shared/answer.ts';
import { TaskgrantError } from '../shared/errors.ts';
import { createHttp, type Http, type HttpOptions, type HttpRequest } from '../shared/http.ts';
import type { CryptoKeyPair } from '../shared/jwk.ts';
import { atServer, checkIssuer, createDiscovery, type ServerMetadata } from '../shared/issuer.ts';
import { type Authenticate, type ClientCredentials, clientAuthentication } from './client-authentication.ts';
import { createProofs, type Proofs } from './dpop.ts';
import type { HeldToken } from './held-tokens.ts';
import { type Form, formOf } from './task-options.ts';
import type { TokenAnswer } from './token-answer.ts';

/** How a call to the server is made; each door adds what it needs. */
export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
}

interface OAuthCall extends CallOptions {
  readonly endpoint: 'token_endpoint' | 'introspection_endpoint' | 'revocation_endpoint' | 'verify';
  /** Asked for each attempt. */
  readonly form: () => Form;
  readonly repeatable: boolean;
  readonly within?: number | undefined;
}

export interface ApiCall extends CallOptions {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Below the issuer, with its query. */
  readonly path: string;
  readonly body?: object | undefined;
  /** Whose token goes with it; undefined = none. */
  readonly bearer?: HeldToken | undefined;
  /** An Idempotency-Key: `true` = one is made for this call, and creating twice is ruled out. */
  readonly once?: boolean | string | undefined;
  /** Sending a POST twice does what sending it once does. */
  readonly repeatable?: boolean | undefined;
  /** Milliseconds after which no attempt may begin. */
  readonly within?: number | undefined;
  /** A DPoP proof goes with it although no token does. */
  readonly proven?: boolean | undefined;
}

export interface ConnectionOptions extends HttpOptions {
  /** The server, as it calls itself: `https://auth.example.com`. */
  readonly issuer: string;
  /** Binds what is issued to a key (RFC 9449): `true` = a fresh one that never leaves the runtime. */
  readonly dpop?: true | CryptoKeyPair | undefined;
}

/** One server, one client: where to send what, and how to prove who sends it. */
export class Connection {
  readonly issuer: string;
  readonly http: Http;
  readonly proofs: Proofs | undefined;
  readonly metadata: (signal?: AbortSignal) => Promise<ServerMetadata>;
  /** Nothing is authenticated any more. */
  closed = false;
  #credentials: ClientCredentials | undefined;
  #authenticate: Authenticate | undefined;

  constructor(options: ConnectionOptions) {
    const { issuer, dpop } = options;
    this.issuer = checkIssuer(issuer);
    this.http = createHttp(options);
    this.metadata = createDiscovery(this.http, this.issuer);
    this.proofs = dpop && createProofs(dpop === true ? undefined : dpop, () => this.http.clock.now());
  }

  get credentials(): ClientCredentials | undefined {
    return this.#credentials;
  }

  set credentials(credentials: ClientCredentials | undefined) {
    this.#credentials = credentials;
    this.#authenticate = credentials && clientAuthentication(this.issuer, credentials);
  }

  /** A public client has nothing that client_credentials could rest on. */
  get confidential(): boolean {
    return (this.#credentials?.clientSecret ?? this.#credentials?.privateKey) !== undefined;
  }

  /** The token endpoint. */
  async token(
    form: () => Form,
    rules: Pick<OAuthCall, 'repeatable' | 'within' | 'signal'>,
  ): Promise<TokenAnswer> {
    return (await this.oauth({ ...rules, form, endpoint: 'token_endpoint' })) as TokenAnswer;
  }

  /** An OAuth endpoint, with the client's own credentials. */
  async oauth({ endpoint, form, ...rules }: OAuthCall): Promise<unknown> {
    const authenticate = this.#authenticate;
    if (this.closed) throw new TaskgrantError('closed', 'the client is closed');
    if (!authenticate) throw new TaskgrantError('option_invalid', 'clientId and credentials are needed');
    const metadata = await this.metadata(rules.signal);
    const url = endpoint === 'verify' ? atServer(this.issuer, '/api/oauth/verify') : metadata[endpoint];
    const make = async (): Promise<HttpRequest> => {
      const proof = await authenticate(this.http.clock.now());
      const headers = { accept: 'application/json', ...proof.headers };
      const proven = endpoint === 'token_endpoint' ? await this.#proof('POST', url) : {};
      const body = formOf({ ...form(), ...proof.form });
      return { method: 'POST', url, headers: { ...headers, ...proven }, body };
    };
    return (await this.http.call(make, { ...rules, adjust: this.#adjust })).body;
  }

  /** A route of the REST API. */
  async api(call: ApiCall): Promise<unknown> {
    const { method, path, body, bearer, once, signal, within } = call;
    // An id that is empty or dots would lead to another route.
    if (/\/\.{0,2}([/?]|$)/.test(path))
      throw new TaskgrantError('option_invalid', 'an id is empty, or only dots');
    const url = atServer(this.issuer, path);
    const key = once === true ? crypto.randomUUID() : once;
    const make = async (): Promise<HttpRequest> => ({
      method,
      url,
      headers: {
        accept: 'application/json',
        ...(body ? { 'content-type': 'application/json' } : {}),
        ...(typeof key === 'string' ? { 'idempotency-key': key } : {}),
        ...(bearer ? await this.authorization(bearer, method, url) : {}),
        ...(call.proven ? await this.#proof(method, url) : {}),
      },
      body: body && JSON.stringify(body),
    });
    const repeatable = call.repeatable ?? (method !== 'POST' || typeof key === 'string');
    return (await this.http.call(make, { repeatable, within, adjust: this.#adjust, signal })).body;
  }

  /** The fields that let a token in (RFC 6750 §2.1, RFC 9449 §7.1). */
  async authorization(
    { value, type }: HeldToken,
    method: string,
    url: string,
  ): Promise<Record<string, string>> {
    const authorization = `${type} ${value}`;
    if (type === 'Bearer') return { authorization };
    return { authorization, ...(await this.#proof(method, url, value)) };
  }

  async #proof(method: string, url: string, token?: string): Promise<Record<string, string>> {
    return this.proofs ? { dpop: await this.proofs.prove({ method, url, token }) } : {};
  }

  readonly #adjust = (answer: Answer, { url }: HttpRequest): boolean =>
    this.proofs?.learn(url, answer) ?? false;
}
