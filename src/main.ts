#!/usr/bin/env node
import './runtime/repaired-json-parse.ts';
import { readCommandLine, USAGE, UsageError } from './process/command-line.ts';
import { writeCompiled } from './runtime/compile-cache.js';
import type { Config } from './config/config.ts';
import { endProcess } from './process/end-process.ts';
import { listenForSignals, type Signals } from './process/signals.ts';

const OLDEST_NODE = 22;
const WRONG_USAGE = 2;

const signals = listenForSignals();

/** `npm start`: read the command line and the configuration, then serve, alone or with workers. */
async function main(): Promise<void> {
  if (Number.parseInt(process.versions.node, 10) < OLDEST_NODE) {
    throw new Error(
      `Taskgrant needs Node ${OLDEST_NODE} or later (this is ${process.version}); "npm start" brings its own`,
    );
  }
  const { help, workers } = readCommandLine(process.argv.slice(2));
  if (help) {
    process.stdout.write(USAGE);
    return;
  }
  const { loadConfig } = await import('./config/load.ts');
  const flags = workers === undefined ? {} : { WORKERS: workers };
  const config = loadConfig({ ...process.env, ...flags }, process.cwd());
  if (config.workers > 1) {
    const { runPrimary } = await import('./workers/primary.ts');
    await runPrimary(config, signals);
  } else {
    await serveAlone(config, signals);
  }
}

/** One process that drains on SIGTERM; a second signal ends it at once. */
async function serveAlone(config: Config, signals: Signals): Promise<void> {
  const { NotListening, serve } = await import('./serve.ts');
  const { madeOnce, welcome } = await import('./process/welcome.ts');
  const serving = await serve(config).catch((error: unknown) => {
    // Secrets are made once: they are shown although the port is taken.
    if (error instanceof NotListening) process.stdout.write(madeOnce(config, error.created));
    throw error;
  });
  process.stdout.write(welcome(config, serving.taskgrant.created));
  writeCompiled();
  let stopping = false;
  signals.lead(() => {
    if (stopping) endProcess(1);
    stopping = true;
    void serving.stop().then((whole) => endProcess(whole ? 0 : 1));
  });
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  if (error instanceof UsageError) process.stderr.write(`\n${USAGE}`);
  endProcess(error instanceof UsageError ? WRONG_USAGE : 1);
});
