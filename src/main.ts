#!/usr/bin/env node
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

const OLDEST_NODE = 22;
const DRAIN_MS = 10_000;

/** `npm start`: load the configuration, build, listen, drain on SIGTERM. */
async function main(): Promise<void> {
  if (Number.parseInt(process.versions.node, 10) < OLDEST_NODE) {
    throw new Error(
      `Taskgrant needs Node ${OLDEST_NODE} or later (this is ${process.version}); "npm start" brings its own`,
    );
  }
  const { loadConfig } = await import('./config/load.ts');
  const { build } = await import('./build.ts');
  const { welcome } = await import('./welcome.ts');
  const config = loadConfig(process.env, process.cwd());
  const server = await build(config);
  const http = createServer(server.app.callback());
  http.keepAliveTimeout = 65_000;
  await new Promise<void>((resolve, reject) => {
    http.once('error', reject);
    http.listen(config.port, config.host, resolve);
  });
  const { port } = http.address() as AddressInfo;
  server.loggers.app.info('listening', {
    issuer: config.issuer,
    host: config.host,
    port,
    database: config.databaseKind,
  });
  process.stdout.write(welcome(config, server.created));
  drainOn(http, server.close, server.loggers.app.info);
}

/** Stops accepting, lets requests in flight finish, then closes; a second signal ends at once. */
function drainOn(
  http: ReturnType<typeof createServer>,
  close: () => Promise<void>,
  info: (message: string) => void,
): void {
  let draining = false;
  const drain = () => {
    if (draining) process.exit(1);
    draining = true;
    info('draining');
    const late = setTimeout(() => http.closeAllConnections(), DRAIN_MS);
    http.close(() => {
      clearTimeout(late);
      void close().then(() => process.exit(0));
    });
    http.closeIdleConnections();
  };
  process.on('SIGTERM', drain);
  process.on('SIGINT', drain);
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
});
