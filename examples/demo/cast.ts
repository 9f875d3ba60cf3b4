import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createApi } from '../introspecting-api/api.ts';
import { Administrator } from './administrator.ts';
import { Agent, type Credentials } from './agent.ts';
import { Person } from './person.ts';
import { chapter, tell } from './screen.ts';

/** Everybody in the story. */
export interface Cast {
  readonly issuer: string;
  readonly administrator: Administrator;
  readonly ada: Person;
  readonly planner: Agent;
  readonly researcher: Agent;
  readonly writer: Agent;
  /** The server's own example API. */
  readonly example: string;
  /** The notebook of examples/introspecting-api. */
  readonly notes: string;
  /** Names by client id, for what is printed. */
  readonly names: ReadonlyMap<string, string>;
  /** Sets this run apart on a server that is used again. */
  readonly run: string;
  close(): void;
}

/** RFC 8252: a native client may come back on any port of the loopback interface. */
export const REDIRECT_URI = 'http://127.0.0.1/callback';

export async function assemble(issuer: string, adminSecret: string): Promise<Cast> {
  chapter('The cast');
  const administrator = await Administrator.signIn(issuer, adminSecret);
  const run = Date.now().toString(36);
  const email = `ada.${run}@example.com`;
  const password = await administrator.createUser(email, 'Ada', ['example:*', 'notes:*']);
  const [planner, researcher, writer] = await Promise.all([
    administrator.createAgent('Planner', ['example:*', 'notes:*'], [REDIRECT_URI]),
    administrator.createAgent('Researcher', ['example:read', 'notes:read']),
    administrator.createAgent('Writer', ['notes:read', 'notes:write']),
  ]);
  const { notes, api } = await openNotebook(issuer, administrator);
  tell('Ada         a person; may delegate example:* and notes:*');
  tell('Planner     an orchestrator; may hold what Ada gives it');
  tell('Researcher  an agent; may hold example:read notes:read');
  tell('Writer      an agent; may hold notes:read notes:write');
  tell(`Notebook    an API at ${notes} that asks ${issuer} about every token`);
  return {
    issuer,
    administrator,
    ada: new Person(issuer, { email, password }),
    planner: new Agent(issuer, planner),
    researcher: new Agent(issuer, researcher),
    writer: new Agent(issuer, writer),
    example: `${issuer}/api/oauth/protected`,
    notes,
    names: new Map([...[planner, researcher, writer].map(named), [api.clientId, 'Notebook']]),
    run,
    close: () => void api.server.close(),
  };
}

async function openNotebook(issuer: string, administrator: Administrator) {
  // The port is the audience, so it comes first; the API listens once it has its credentials.
  const placeholder = createApi({ issuer, clientId: '', clientSecret: '', audience: issuer });
  const port = await listen(placeholder, 0);
  placeholder.close();
  await once(placeholder, 'close');
  const audience = `http://127.0.0.1:${port}`;
  const credentials = await administrator.createResourceServer('Notebook', audience, [
    'notes:read',
    'notes:write',
  ]);
  const api = createApi({ issuer, audience, ...credentials });
  await listen(api, port);
  api.unref();
  return { notes: audience, api: { server: api, clientId: credentials.clientId } };
}

async function listen(server: Server, port: number): Promise<number> {
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

function named({ clientId, name }: Credentials): [string, string] {
  return [clientId, name];
}
