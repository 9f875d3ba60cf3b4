import { type AgentParty, pkce, registerAgent } from './parties.ts';
import { basic, postForm } from './requests.ts';
import { ADMIN_CLIENT, ADMIN_CLIENT_SECRET, type TestServer } from './server.ts';
import { derive, open, type OpenTask } from './token-requests.ts';

/** Who asks; the agent that is asked about is the one of `self`. */
export const WHO = ['anonymous', 'other', 'child', 'self', 'admin:read', 'admin:write'] as const;
export type Who = (typeof WHO)[number];

/** What each of them is answered, in the order of WHO. 2xx: it happens. */
export type Answers = readonly [number, number, number, number, number, number];

export interface Cast {
  readonly agent: AgentParty;
  readonly task: OpenTask;
  readonly tokens: Readonly<Record<Who, string | undefined>>;
}

/** Everybody anew: what one of them does must not show in what the next one is answered. */
export async function castOf(server: TestServer): Promise<Cast> {
  const [agent, other] = [await registerAgent(server), await registerAgent(server)];
  const task = await open(server, agent);
  const tokens = {
    anonymous: undefined,
    other: (await open(server, other)).token,
    child: (await derive(server, task)).token,
    self: task.token,
    'admin:read': await adminTokenWith(server, 'admin:read'),
    'admin:write': await adminTokenWith(server, 'admin:read admin:write'),
  };
  return { agent, task, tokens };
}

export async function adminTokenWith(server: TestServer, scope: string): Promise<string> {
  const form = {
    grant_type: 'client_credentials',
    resource: server.apiAudience,
    scope,
    ...pkce().parameters,
  };
  const { body } = await postForm(server, '/api/oauth/token', form, basic(ADMIN_CLIENT, ADMIN_CLIENT_SECRET));
  return body.access_token;
}

/** The declared routes at and below a path, with `/api` before it or not, as `METHOD /path`. */
export async function declaredRoutes(server: TestServer, below: string): Promise<readonly string[]> {
  const response = await fetch(new URL('/openapi.json', server.issuer));
  const { paths } = (await response.json()) as { paths: Record<string, object> };
  const pattern = new RegExp(`^(/api)?${below}(/|$)`);
  return Object.entries(paths)
    .filter(([path]) => pattern.test(path))
    .flatMap(([path, methods]) =>
      Object.keys(methods)
        .filter((method) => /^(get|post|put|patch|delete)$/.test(method))
        .map((method) => `${method.toUpperCase()} ${path}`),
    );
}

/** A route without its prefix and without the names of its parameters. */
export const plainRoute = (route: string) => route.replace(/ \/api\//, ' /').replaceAll(/\{\w+\}|:\w+/g, '*');
