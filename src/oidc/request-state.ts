import type { Context } from 'koa';
import Provider from 'oidc-provider';
import type { Fact } from '../app/audit/audit-trail.ts';
import type { ResolvedToken } from '../app/tokens/resolve-token.ts';
import type { Change, ClientSecret, Guard } from '../app/unit-of-work.ts';
import type { Agent } from '../domain/agent.ts';
import type { RequestOrigin } from '../domain/audit-event.ts';

/** The administrator by whose token a client is registered. */
export interface Registrar {
  readonly actor: string;
  readonly standsOn: readonly Guard[];
}

/**
 * What one request carries beside the engine's own context: the engine calls adapter and policies without passing
 * ours along, so it hangs on the raw request that both contexts share.
 */
export interface RequestState {
  readonly origin: RequestOrigin;
  /** Agents that the engine looked up as clients during this request. */
  readonly agents: Map<string, Agent>;
  /** The secrets of these agents, expired ones too. */
  readonly secrets: Map<string, readonly ClientSecret[]>;
  /**
   * The token that the introspection and revocation endpoints are asked about. The engine sees only a handle in its
   * place, which is random and known to this request alone: no presented value can imitate it.
   */
  readonly presentedHandle: string;
  presentedToken(): Promise<ResolvedToken | undefined>;
  /** Set while a code is redeemed: what the engine consumes is committed with the issued token, or not at all. */
  redemption?: { readonly consume: Change[] };
  /** Set when the client was authenticated without the engine (direct/client-secret.ts, registration.ts). */
  directClient?: string;
  /** Set when introspection was answered: who asked, and about which token. */
  introspection?: { readonly agent: Agent; readonly found: ResolvedToken | undefined };
  /** Set when the engine's revocation endpoint has authenticated the client and asked the policy. */
  revocationAllowed?: boolean;
  /** Set when a rule refused the request: what the engine's own error does not carry. */
  refusal?: Readonly<Record<string, unknown>>;
  /** Set when a policy could not be decided, so that nothing was issued: its name, and why. */
  undecided?: { readonly policy: string; readonly why: string };
  /** Stored ids of the sessions that the engine found. */
  sessions?: Set<string>;
  /** Epochs of the people whose sign-ins the engine found, by their ids. */
  accountEpochs?: Map<string, number>;
  /** The browser comes back with what a person approved. */
  bringsApproval?: boolean;
  /** Set when it goes on from there: to be committed with what it goes on with (records/interaction-adapter.ts). */
  leaving?: Extract<Change, { readonly do: 'delete_artifact' }>;
  /** Set when it used a pushed request up: to be committed with the code, or refused. */
  use?: {
    readonly change: Extract<Change, { readonly do: 'consume_artifact' }>;
    readonly fact: Fact;
    readonly refusal: Error;
  };
  /** Set by the registration endpoint's own checks. */
  registration?: { readonly registrar: Registrar | undefined; readonly requestedScope: string | undefined };
  /** The request named no resource; what stands there is the engine's default. */
  resourceDefaulted?: boolean;
}

/**
 * A member, because what a WeakMap holds outlives its key: the garbage collector drops it in full collections only, and
 * until then every request would be copied from space to space with all that it had found.
 */
const STATE = Symbol('state of the request');

interface Stateful {
  [STATE]?: RequestState;
}

export function requestState(ctx: Context): RequestState {
  const request = ctx.req as Stateful;
  const known = request[STATE];
  if (known) return known;
  const state: RequestState = {
    origin: (ctx.state.origin as RequestOrigin | undefined) ?? { sourceIp: ctx.ip, requestId: '' },
    agents: new Map(),
    secrets: new Map(),
    presentedHandle: '',
    presentedToken: async () => undefined,
  };
  request[STATE] = state;
  return state;
}

/** Replaces parts of the request's state before the engine runs. */
export function extendRequestState(ctx: Context, parts: Partial<RequestState>): RequestState {
  return Object.assign(requestState(ctx), parts);
}

/** The state of the request that the engine is serving; undefined outside of one. */
export function currentRequestState(): RequestState | undefined {
  const ctx = Provider.ctx as Context | undefined;
  return ctx && requestState(ctx);
}
