import { accessSync, constants, existsSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Command } from 'commander';
import { DomainError } from '../../domain/errors.ts';
import { absoluteUri, type DataOptions, wholeNumber, withJson, words } from '../options.ts';
import { json, line, note, plain } from '../print.ts';
import { openBrowser } from './browser.ts';
import { awaitCallback } from './callback.ts';
import { authorizationUrl, newAuthorization } from './authorization-request.ts';
import { discover, redeemCode, registerPublicClient } from './oauth-server.ts';

interface LoginOptions extends DataOptions {
  readonly issuer: string;
  readonly clientId?: string;
  readonly port: number;
  readonly scope?: readonly string[];
  readonly resource?: string;
  readonly taskId?: string;
  readonly taskDescription?: string;
  readonly delegate?: readonly string[];
  readonly browser: boolean;
  readonly save?: string;
  readonly timeout: number;
}

const AFTER = `
Signs in with the authorization code flow and PKCE: the browser comes back to this computer, on a port of the loopback
interface. Prints the access token and keeps nothing, unless --save names a file. Example:

  TOKEN=$(taskgrant login --scope example:read --task-description "Look around")`;

export function addLogin(program: Command): void {
  withJson(program.command('login'))
    .description('Get a token for yourself: sign in with a browser and approve a task.')
    .option('--issuer <url>', 'the server', process.env['ISSUER'] || 'http://localhost:3000')
    .option('--client-id <id>', 'a registered public client (default: registers one)')
    .option('--port <n>', 'port of the loopback redirect (0: any)', wholeNumber(0, 65_535), 0)
    .option('--scope <right>', 'may be repeated', words)
    .option('--resource <uri>', 'audience of the token', absoluteUri)
    .option('--task-id <id>', 'name of the task (default: the server gives one)')
    .option('--task-description <text>', 'what the task is about')
    .option('--delegate <client_id>', 'agent that may derive child tasks; may be repeated', words)
    .option('--no-browser', 'only print the URL')
    .option('--save <file>', 'write the whole answer, refresh token included, to a file only you can read')
    .option('--timeout <seconds>', 'how long to wait', wholeNumber(1, 3600), 300)
    .addHelpText('after', AFTER)
    .action(login);
}

async function login(options: LoginOptions): Promise<void> {
  if (options.save !== undefined) requireFree(options.save);
  const server = await discover(options.issuer);
  const authorization = newAuthorization();
  const callback = await awaitCallback({
    port: options.port,
    state: authorization.state,
    issuer: server.issuer,
    timeoutMs: options.timeout * 1000,
  });
  try {
    const { redirectUri } = callback;
    const clientId = options.clientId ?? (await registerPublicClient(server, redirectUri, options.scope));
    const url = authorizationUrl(server, { ...options, clientId, redirectUri, ...authorization });
    announce(url, options.browser);
    const code = await callback.code;
    const { verifier } = authorization;
    finish(await redeemCode(server, { code, clientId, redirectUri, verifier }), options);
  } finally {
    callback.close();
  }
}

function announce(url: string, browser: boolean): void {
  note(`Open this address to sign in:\n\n  ${url}\n`);
  if (browser) openBrowser(url);
}

function finish(answer: Record<string, unknown>, { save, json: asJson }: LoginOptions): void {
  if (save !== undefined) saveAnswer(save, answer);
  if (asJson) json(answer);
  else {
    note(plain(`Task ${String(answer['task_id'])}: ${String(answer['scope'])}`));
    line(String(answer['access_token']));
  }
}

/** Before anybody signs in: an answer that cannot be kept afterwards would live on, held by nobody. */
function requireFree(path: string): void {
  if (existsSync(path)) throw new DomainError('conflict', `${path} exists already`);
  accessSync(dirname(path), constants.W_OK | constants.X_OK);
}

/** Never replaces a file: it could be someone else's, or readable by others. */
function saveAnswer(path: string, answer: Record<string, unknown>): void {
  try {
    writeFileSync(path, `${JSON.stringify(answer, null, 2)}\n`, { mode: 0o600, flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST')
      throw new DomainError('conflict', `${path} exists already`);
    // A part of it is worth nothing, and would be in the way the next time.
    rmSync(path, { force: true });
    throw error;
  }
}
