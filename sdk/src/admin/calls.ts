import type { AgentClient } from '../agent/agent.ts';
import type { ApiCall, CallOptions } from '../agent/connection.ts';
import { type CreationOptions, creation } from '../agent/registration.ts';
import { queryOf, wireNames } from '../shared/names.ts';
import { type Pages, pagesOf } from '../shared/pages.ts';

/** How a list is asked for. */
export interface ListOptions extends CallOptions {
  /** Rows of a page, 1 to 200. Default 50. */
  readonly limit?: number | undefined;
}

/** The kinds of request that administration is made of. Members are camelCase here and snake_case on the wire. */
export interface AdminCalls {
  get<T>(path: string, query?: object, options?: CallOptions): Promise<T>;
  /** A list whose rows stand under `name`. */
  list<T>(path: string, name: string, query?: object, options?: ListOptions): Pages<T>;
  /** A POST that creates something: an Idempotency-Key is made for it. */
  create<T>(path: string, members: object, options?: CreationOptions): Promise<T>;
  /** A POST that sets or ends something: done twice is done once. */
  post<T>(path: string, members?: object, options?: CallOptions): Promise<T>;
  put<T>(path: string, members?: object, options?: CallOptions): Promise<T>;
  remove<T>(path: string, query?: object, options?: CallOptions): Promise<T>;
}

/** A path whose values cannot begin another part of it. */
export function path(parts: TemplateStringsArray, ...values: readonly string[]): string {
  return String.raw({ raw: parts }, ...values.map(encodeURIComponent));
}

export function adminCalls(client: AgentClient): AdminCalls {
  const send = <T>(call: ApiCall) => client.request<T>(call);
  const get = <T>(at: string, query: object = {}, options: CallOptions = {}) =>
    send<T>({ method: 'GET', path: at + queryOf(query), ...options });
  return {
    get,
    list: <T>(at: string, name: string, query: object = {}, { limit, ...options }: ListOptions = {}) =>
      pagesOf(async (cursor) => {
        const answer = await get<Record<string, unknown>>(at, { ...query, limit, cursor }, options);
        return { items: answer[name] as T[], next: (answer['next_cursor'] ?? null) as string | null };
      }),
    create: (at, members, options) => send(creation(at, members, options)),
    post: (at, members = {}, options = {}) =>
      send({ method: 'POST', path: at, body: wireNames(members), repeatable: true, ...options }),
    put: (at, members, options = {}) =>
      send({ method: 'PUT', path: at, body: members && wireNames(members), ...options }),
    remove: (at, query = {}, options = {}) =>
      send({ method: 'DELETE', path: at + queryOf(query), ...options }),
  };
}
