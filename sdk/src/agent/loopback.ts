// Listens on a port: Node, Deno and Bun only. Nothing that an edge runtime loads comes here.
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { waitFor } from '../shared/abort.ts';
import { TaskgrantError } from '../shared/errors.ts';
import type { AgentClient } from './agent.ts';
import type { Authorization } from './authorization.ts';
import type { Task } from './task.ts';
import type { TaskOptions } from './task-options.ts';

/** What a person at this computer is asked for, and how the browser comes back. */
export interface LoopbackOptions extends TaskOptions {
  /** Shows the address to the person, or opens it. Nothing is opened by itself. */
  readonly onUrl: (url: string) => Promise<void> | void;
  /** Of the redirect. Default: any that is free. */
  readonly port?: number | undefined;
  /** Path of the redirect, as registered. Default `/callback`. */
  readonly path?: string | undefined;
  /** Milliseconds to wait for the person. Default five minutes. */
  readonly patience?: number | undefined;
}

/** RFC 8252 §7.3: by address, not by name. */
const LOOPBACK = '127.0.0.1';
const ORIGIN = `http://${LOOPBACK}`;

/**
 * Asks the person at this computer (RFC 8252): listens on a loopback port, hands out the URL, waits for the browser to
 * come back, and redeems the code.
 * @throws TaskgrantError `authorization_refused`, `timeout`.
 */
export async function authorizeWithLoopback(agent: AgentClient, options: LoopbackOptions): Promise<Task> {
  const { onUrl, port = 0, path = '/callback', patience = 300_000, signal, ...terms } = options;
  const listener = await listen(port, path);
  try {
    const redirectUri = `http://${LOOPBACK}:${listener.port}${path}`;
    const authorization = await agent.authorization({ ...terms, redirectUri, signal });
    const answered = listener.awaitAnswer(authorization, patience);
    await onUrl(authorization.url);
    const { url, reply } = await waitFor(answered, signal);
    try {
      const task = await authorization.redeem(url, { signal });
      reply(200, 'You are signed in. You can close this window.');
      return task;
    } catch (error) {
      reply(400, 'Not signed in. You can close this window.');
      throw error;
    }
  } finally {
    listener.close();
  }
}

interface Answered {
  readonly url: URL;
  reply(status: number, text: string): void;
}

async function listen(port: number, path: string) {
  let state: string | undefined;
  let resolve: (answered: Answered) => void = () => undefined;
  let reject: (error: Error) => void = () => undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const server = createServer((request, response) => {
    const target = request.url ?? '/';
    // A stranger's request neither ends the sign-in nor learns that there is one. `GET //[` is no URL at all.
    const url = URL.canParse(target, ORIGIN) ? new URL(target, ORIGIN) : undefined;
    if (url?.pathname !== path || state === undefined || url.searchParams.get('state') !== state) {
      write(response, 404, 'Not found.');
      return;
    }
    resolve({ url, reply: (status, text) => write(response, status, text) });
  });
  await new Promise<void>((done, fail) => {
    server.once('error', fail);
    server.listen(port, LOOPBACK, done);
  });
  return {
    port: (server.address() as AddressInfo).port,
    awaitAnswer(authorization: Pick<Authorization, 'state'>, patience: number): Promise<Answered> {
      state = authorization.state;
      const answered = new Promise<Answered>((done, fail) => {
        resolve = done;
        reject = fail;
      });
      // Whoever waits hears of it; nothing may be thrown before that.
      answered.catch(() => undefined);
      const late = () => reject(new TaskgrantError('timeout', 'nobody signed in within the time'));
      timer = setTimeout(late, patience);
      return answered;
    },
    close() {
      clearTimeout(timer);
      server.close();
      server.closeIdleConnections();
    },
  };
}

function write(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, {
    'content-type': 'text/plain; charset=utf-8',
    'cache-control': 'no-store',
    connection: 'close',
  });
  response.end(`${text}\n`);
}
