import { BUILT_IN_SERVICES } from './built-in-catalogue.ts';

type Services = typeof BUILT_IN_SERVICES;
type ServiceId = keyof Services;
type ResourceId<S extends ServiceId> = keyof Services[S]['resources'] & string;
type ActionOf<
  S extends ServiceId,
  R extends ResourceId<S>,
> = Services[S]['resources'][R] extends readonly (infer A extends string)[] ? A : never;

/** `pull_requests` → `PullRequests` */
type Pascal<T extends string> = T extends `${infer Head}_${infer Tail}`
  ? `${Capitalize<Head>}${Pascal<Tail>}`
  : Capitalize<T>;

/** `{All: 'zendesk:tickets:*', Read: 'zendesk:tickets:read', …}` */
type ResourceBuilder<S extends ServiceId, R extends ResourceId<S>> = { readonly All: `${S}:${R}:*` } & {
  readonly [A in ActionOf<S, R> as Pascal<A>]: `${S}:${R}:${A}`;
};

/** `{All: 'zendesk:*:*', Tickets: {…}, …}` */
type ServiceBuilder<S extends ServiceId> = { readonly All: `${S}:*:*` } & {
  readonly [R in ResourceId<S> as Pascal<R>]: ResourceBuilder<S, R>;
};

type Builder = { readonly Admin: '*:*:*' } & {
  readonly [S in ServiceId as Services[S]['name']]: ServiceBuilder<S>;
};

/** Every permission of the built-in services, and every wildcard that stands for some of them. */
export type Permission =
  | '*:*:*'
  | {
      [S in ServiceId]:
        | `${S}:*:*`
        | { [R in ResourceId<S>]: `${S}:${R}:*` | `${S}:${R}:${ActionOf<S, R>}` }[ResourceId<S>];
    }[ServiceId];

/** A permission that an editor completes, or any other that a server knows: `read_weather`, `crm:notes:read`. */
export type PermissionText = Permission | (string & Record<never, never>);

/**
 * Permissions by name, completed by an editor and checked by the compiler: `Permissions.Zendesk.Tickets.Read` is
 * `"zendesk:tickets:read"`, `.All` the wildcard at its level, `Permissions.Admin` is `"*:*:*"`.
 */
export const Permissions = Object.freeze({
  Admin: '*:*:*',
  ...Object.fromEntries(
    Object.entries(BUILT_IN_SERVICES).map(([id, { name, resources }]) => [name, service(id, resources)]),
  ),
}) as Builder;

function service(id: string, resources: Readonly<Record<string, readonly string[]>>): object {
  const members = Object.entries(resources).map(([name, actions]) => [
    pascal(name),
    resource(`${id}:${name}`, actions),
  ]);
  return Object.freeze({ All: `${id}:*:*`, ...Object.fromEntries(members) });
}

function resource(prefix: string, actions: readonly string[]): object {
  const members = actions.map((action) => [pascal(action), `${prefix}:${action}`]);
  return Object.freeze({ All: `${prefix}:*`, ...Object.fromEntries(members) });
}

function pascal(name: string): string {
  return name.replace(/(?:^|_)(.)/g, (_match, letter: string) => letter.toUpperCase());
}
