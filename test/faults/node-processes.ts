import { randomBytes } from 'node:crypto';
import { createDatabase } from '../support/postgres.ts';
import type { RunningServer } from '../support/server.ts';
import { type ProcessOptions, type ServerProcess, startServerProcess } from '../support/server-process.ts';
import { type RoundRobin, startRoundRobin } from './round-robin.ts';

/** Servers of one issuer, each a process with directories of its own, on one PostgreSQL. */
export interface NodeProcesses {
  /** The load balancer in front of all of them. */
  readonly front: RunningServer;
  readonly balancer: RoundRobin;
  readonly processes: readonly ServerProcess[];
  /** The same nodes, to be asked directly. */
  readonly each: readonly RunningServer[];
  /** What the command line needs to work on the same database. */
  readonly env: Readonly<Record<string, string>>;
  readonly databaseUrl: string;
  stop(): Promise<void>;
}

/** Starts them all at once on an empty database. */
export async function startNodeProcesses(
  count: number,
  { env: more, ...options }: ProcessOptions = {},
): Promise<NodeProcesses> {
  const database = await createDatabase();
  const balancer = await startRoundRobin();
  const { issuer } = balancer;
  const env = { ISSUER: issuer, ENCRYPTION_KEY: randomBytes(32).toString('base64url'), ...more };
  const start = () => startServerProcess({ ...options, databaseUrl: database.url, env });
  const started = await Promise.allSettled(Array.from({ length: count }, start));
  const processes = started.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  const stop = async () => {
    await balancer.close();
    await Promise.all(processes.map((process) => process.stop()));
    await database.drop();
  };
  const failed = started.find((one) => one.status === 'rejected');
  if (failed) {
    await stop();
    throw failed.reason;
  }
  balancer.to(processes.map(({ address }) => address));
  const front = { issuer, address: issuer, apiAudience: `${issuer}/api`, clock: Date };
  return {
    front,
    balancer,
    processes,
    each: processes.map(({ address }) => ({ ...front, issuer: address, address })),
    env: { ...env, DATABASE_URL: database.url, NODE_ENV: 'test' },
    databaseUrl: database.url,
    stop,
  };
}
