import { parseArgs } from 'node:util';
import { useApis } from './access.ts';
import { assemble } from './cast.ts';
import { delegate, overreach, spread } from './delegation.ts';
import { drawLineage, printAudit, revoke } from './ending.ts';
import { line, styled } from './screen.ts';
import { startServer } from './server.ts';

const USAGE = `npm run demo [-- --issuer <url>]

Starts a server of its own, unless --issuer names one; ADMIN_CLIENT_SECRET is the secret of its client
taskgrant-admin then.`;

/** Somewhere to play, and how to leave it. */
interface Stage {
  readonly issuer: string;
  readonly adminSecret: string;
  stop(): Promise<void>;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { issuer: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
  });
  if (values.help) {
    line(USAGE);
    return;
  }
  const began = performance.now();
  const stage = values.issuer === undefined ? await startServer() : existing(values.issuer);
  const interrupt = () => void stage.stop().finally(() => process.exit(130));
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  line(styled('bold', `Taskgrant at ${stage.issuer}`));
  try {
    await play(stage);
  } finally {
    await stage.stop();
  }
  line();
  line(styled('green', `Everything went as told, in ${((performance.now() - began) / 1000).toFixed(1)} s.`));
}

async function play({ issuer, adminSecret }: Stage): Promise<void> {
  const cast = await assemble(issuer, adminSecret);
  try {
    const tasks = await spread(cast, await delegate(cast));
    await overreach(cast, tasks);
    await useApis(cast, tasks);
    await drawLineage(cast, tasks);
    await revoke(cast, tasks);
    await printAudit(cast, tasks);
  } finally {
    cast.close();
  }
}

function existing(issuer: string): Stage {
  const adminSecret = process.env['ADMIN_CLIENT_SECRET'];
  if (!adminSecret) throw new Error('set ADMIN_CLIENT_SECRET, the secret of taskgrant-admin at that server');
  return { issuer: issuer.replace(/\/$/, ''), adminSecret, stop: () => Promise.resolve() };
}

main().catch((error: unknown) => {
  process.stderr.write(
    `\nThe demonstration failed: ${error instanceof Error ? error.message : String(error)}\n`,
  );
  process.exit(1);
});
