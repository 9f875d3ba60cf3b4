// Developer tools: for Node.
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ASYNC_DISPOSE } from '../shared/dispose.ts';
import { refuseProduction } from './production.ts';
import { findServer } from './server-package.ts';
import { type ServerRun, startRun } from './server-run.ts';

/** Which server is started, and with what settings. */
export interface TestServerOptions {
  /** Where the server lies. Default: the package `taskgrant`, when it is installed. */
  readonly directory?: string | undefined;
  /** Settings as in its `config/*.json`. */
  readonly settings?: Readonly<Record<string, unknown>> | undefined;
  /** Environment variables of it, beside the ones that are set here. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** Default: one that is free. */
  readonly port?: number | undefined;
  /** Milliseconds until it must be ready. Default 20,000. */
  readonly timeout?: number | undefined;
}

/** A server of one's own for a test. It ends with the process that started it, at the latest. */
export interface TestServer extends AsyncDisposable {
  readonly issuer: string;
  /** `aud` of tokens for administration. */
  readonly apiAudience: string;
  /** The built-in client with `admin:read admin:write`. */
  readonly admin: { readonly clientId: string; readonly clientSecret: string };
  /** The first administrator, who can sign in. */
  readonly administrator: { readonly email: string; readonly password: string };
  /** The last of what it printed, for a test that fails. */
  output(): string;
  /** Ends it and removes all it has written. Calling it again changes nothing. */
  stop(): Promise<void>;
}

const ATTEMPTS = 3;

/**
 * Starts a Taskgrant server on this computer, on a free port, with an empty database in a temporary directory.
 * @throws TaskgrantError `unsupported` in production, `option_invalid` when there is no server; Error with its output
 * when it does not become ready.
 */
export async function startTestServer(options: TestServerOptions = {}): Promise<TestServer> {
  refuseProduction('a test server');
  const found = findServer(options.directory);
  const home = await mkdtemp(join(tmpdir(), 'taskgrant-test-'));
  const forget = () => rm(home, { recursive: true, force: true });
  try {
    await mkdir(join(home, 'config'));
    await writeFile(join(home, 'config', 'test.json'), JSON.stringify(options.settings ?? {}));
    for (let attempt = 1; ; attempt += 1) {
      const port = options.port ?? (await freePort());
      const secrets = newSecrets();
      const env = { ...environment(home, port, secrets), ...options.env };
      const run = startRun({ ...found, home, env });
      try {
        await run.ready(`http://127.0.0.1:${port}/health/ready`, options.timeout ?? 20_000);
        return testServer(run, env.ISSUER, secrets, forget);
      } catch (error) {
        await run.end();
        // Somebody else may have taken the port in between.
        if (options.port !== undefined || attempt >= ATTEMPTS || !/EADDRINUSE/.test(run.output()))
          throw error;
      }
    }
  } catch (error) {
    await forget();
    throw error;
  }
}

interface Secrets {
  readonly clientSecret: string;
  readonly email: string;
  readonly password: string;
}

function testServer(
  run: ServerRun,
  issuer: string,
  secrets: Secrets,
  forget: () => Promise<void>,
): TestServer {
  const { clientSecret, email, password } = secrets;
  let stopping: Promise<void> | undefined;
  const stop = () => (stopping ??= run.end().then(forget));
  return {
    issuer,
    apiAudience: `${issuer}/api`,
    admin: { clientId: 'taskgrant-admin', clientSecret },
    administrator: { email, password },
    output: run.output,
    stop,
    [ASYNC_DISPOSE]: stop,
  };
}

function newSecrets(): Secrets {
  const secret = () => randomBytes(32).toString('base64url');
  return { clientSecret: `tgs_${secret()}`, email: 'admin@example.com', password: secret() };
}

/** Nothing of the environment of the test but what finds programs: its settings must not become the server's. */
function environment(home: string, port: number, { clientSecret, email, password }: Secrets) {
  return {
    PATH: process.env['PATH'] ?? '',
    NODE_ENV: 'test',
    HOST: '127.0.0.1',
    PORT: String(port),
    ISSUER: `http://127.0.0.1:${port}`,
    DATA_DIR: join(home, 'data'),
    LOG_DIR: join(home, 'logs'),
    DRAIN_DELAY: '0',
    ADMIN_EMAIL: email,
    ADMIN_PASSWORD: password,
    ADMIN_CLIENT_SECRET: clientSecret,
  };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
