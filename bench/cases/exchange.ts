import { DATABASE_NAMES } from '../sides/side.ts';
import { startTaskgrant } from '../sides/taskgrant.ts';
import { WORKLOADS } from '../sides/taskgrant-workloads.ts';
import type { Contest, Line, Preparation } from './contest.ts';

/** Child tasks by token exchange (RFC 8693) from many parents; nothing compares with it. */
export async function exchange({ stage, databases, progress }: Preparation): Promise<Contest> {
  const lines: Line[] = [];
  for (const database of databases) {
    const name = `Taskgrant on ${DATABASE_NAMES[database]}, child task, ES256 JWT`;
    progress(`${name}: opening the parents`);
    const side = await startTaskgrant(stage, { database });
    const workload = await WORKLOADS.exchange(side);
    lines.push({ name, side, workload, profile: { workload: 'exchange', database } });
  }
  return { title: 'Derivation (token exchange)', lines, targets: [], notes: [] };
}
