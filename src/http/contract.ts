import { z } from 'zod';
import type { Conditions } from '../app/unit-of-work.ts';
import type { Agent } from '../domain/agent.ts';
import type { Access, CallerOf } from './caller.ts';
import type { RequestContext } from './state.ts';

export type Method = 'get' | 'post' | 'put' | 'patch' | 'delete';

const nothing = z.strictObject({});
type Nothing = typeof nothing;

interface Declaration<
  P extends z.ZodType,
  Q extends z.ZodType,
  B extends z.ZodType,
  R extends z.ZodType,
  A extends Access,
> {
  readonly method: Method;
  /** Parameters as `:name`. */
  readonly path: string;
  /** Further paths of the same handler: what the source systems call it. */
  readonly aliases?: readonly string[];
  readonly access: A;
  /** Makes new clients: limited per address, unless an administrator does it. */
  readonly registers?: boolean;
  /** Issues tokens: what it refuses is on record, and told, as what the token endpoint refuses. */
  readonly issues?: boolean;
  /** Creates something: a repeated Idempotency-Key gets the stored answer instead of a second one. Only for POST. */
  readonly creates?: boolean;
  /** One sentence. */
  readonly summary: string;
  readonly description?: string;
  readonly tags: readonly string[];
  /** Strict objects: unknown members are refused. Absent = none are accepted. */
  readonly params?: P;
  readonly query?: Q;
  /** Header fields of this route alone, to describe them: it reads them itself. */
  readonly headers?: z.ZodType;
  /** Read from JSON or a form (string members only). Absent = the body is not read. */
  readonly body?: B;
  /** Refusals beside those that every route of its kind knows, by status: what they mean. */
  readonly refuses?: Readonly<Record<number, string>>;
  /**
   * Members that the schema does not name are stripped from the answer. No body = 204. `type` is the media type of an
   * answer that is text or a stream; absent = JSON.
   */
  readonly returns: { readonly status: number; readonly body?: R; readonly type?: string };
}

/** One declaration of a route: validation, the shape of the answer and its OpenAPI description. */
export interface Contract<
  P extends z.ZodType = z.ZodType,
  Q extends z.ZodType = z.ZodType,
  B extends z.ZodType = z.ZodType,
  R extends z.ZodType = z.ZodType,
  A extends Access = Access,
> extends Declaration<P, Q, B, R, A> {
  readonly params: P;
  readonly query: Q;
  readonly aliases: readonly string[];
}

/** Validated input of a handler. */
export interface RouteRequest<P, Q, B, A extends Access> {
  readonly params: P;
  readonly query: Q;
  readonly body: B;
  readonly caller: CallerOf<A>;
  readonly ctx: RequestContext;
}

/** Whom a request proves by what stands in its body. */
export interface Proof<T = unknown> {
  readonly agent: Pick<Agent, 'clientId' | 'epoch'>;
  /** What must still be so when an answer is given again that the request got before. */
  readonly holds: Conditions;
  /** For the handler. */
  readonly proven: T;
}

/** A contract with its handler; the types were checked when it was bound. */
export interface BoundRoute {
  readonly contract: Contract;
  /** Settles who asks, at each repetition too. Absent = a token in the header does, or nobody needs to be known. */
  readonly prove?: (request: RouteRequest<unknown, unknown, unknown, Access>) => Promise<Proof>;
  readonly handle: (request: RouteRequest<unknown, unknown, unknown, Access>, proven?: unknown) => unknown;
}

/** Declares a route: strict objects in, a stripped object out. */
export function contract<
  R extends z.ZodType,
  const A extends Access,
  P extends z.ZodType = Nothing,
  Q extends z.ZodType = Nothing,
  B extends z.ZodType = Nothing,
>(declaration: Declaration<P, Q, B, R, A>): Contract<P, Q, B, R, A> {
  return {
    ...declaration,
    params: declaration.params ?? (nothing as z.ZodType as P),
    query: declaration.query ?? (nothing as z.ZodType as Q),
    aliases: declaration.aliases ?? [],
  };
}

/**
 * Binds a contract to what answers it. The handler throws `DomainError` or `Problem` to refuse; what it returns is
 * checked against `returns.body` before it leaves.
 */
export function route<
  P extends z.ZodType,
  Q extends z.ZodType,
  B extends z.ZodType,
  R extends z.ZodType,
  A extends Access,
>(
  declared: Contract<P, Q, B, R, A>,
  handler: (
    request: RouteRequest<z.output<P>, z.output<Q>, z.output<B>, A>,
  ) => z.input<R> | Promise<z.input<R>>,
): BoundRoute {
  return {
    contract: declared,
    // The router parses with the schemas of this very contract before it calls.
    handle: (request) => handler(request as RouteRequest<z.output<P>, z.output<Q>, z.output<B>, A>),
  };
}

/**
 * Binds a contract whose body proves who asks. `prove` refuses, and counts what it refuses; the handler runs only for
 * what was not answered before.
 */
export function provenRoute<
  P extends z.ZodType,
  Q extends z.ZodType,
  B extends z.ZodType,
  R extends z.ZodType,
  A extends Access,
  T,
>(
  declared: Contract<P, Q, B, R, A>,
  prove: (request: RouteRequest<z.output<P>, z.output<Q>, z.output<B>, A>) => Promise<Proof<T>>,
  handler: (
    request: RouteRequest<z.output<P>, z.output<Q>, z.output<B>, A>,
    proven: T,
  ) => z.input<R> | Promise<z.input<R>>,
): BoundRoute {
  type Request = RouteRequest<z.output<P>, z.output<Q>, z.output<B>, A>;
  return {
    contract: declared,
    prove: (request) => prove(request as Request),
    handle: (request, proven) => handler(request as Request, proven as T),
  };
}
