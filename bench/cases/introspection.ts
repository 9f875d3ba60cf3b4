import { makeMany } from '../process/requests.ts';
import { bareIntrospecting, bareToken, startBareProvider } from '../sides/bare-provider.ts';
import { DATABASE_NAMES, type DatabaseKind } from '../sides/side.ts';
import { startTaskgrant } from '../sides/taskgrant.ts';
import { DISTINCT_TOKENS, WORKLOADS, type WorkloadName } from '../sides/taskgrant-workloads.ts';
import { type Contest, type Line, MEMORY_LIMIT_MB, type Preparation, type Target } from './contest.ts';

const BARE = 'oidc-provider alone, in memory, opaque tokens';
const SHARE_OF_BARE: Record<DatabaseKind, number> = { postgres: 0.8, sqlite: 0.6 };
const KINDS = [
  ['introspection', 'JWTs of root tasks'],
  ['introspection-of-children', 'JWTs of child tasks'],
] as const satisfies readonly (readonly [WorkloadName, string])[];

/** Introspection of JWTs with the check of their lineage, over many distinct tokens made before. */
export async function introspection({ stage, databases, progress }: Preparation): Promise<Contest> {
  const lines: Line[] = [];
  const targets: Target[] = [];
  for (const database of databases) {
    const side = await startTaskgrant(stage, { database });
    for (const [workload, tokens] of KINDS) {
      const name = `Taskgrant on ${DATABASE_NAMES[database]}, ${tokens}`;
      progress(`${name}: issuing ${DISTINCT_TOKENS}`);
      const profile = { workload, database };
      lines.push({ name, side, workload: await WORKLOADS[workload](side), profile });
      targets.push(
        { kind: 'speed', of: name, against: BARE, atLeast: SHARE_OF_BARE[database] },
        { kind: 'memory', of: name, below: MEMORY_LIMIT_MB },
      );
    }
  }
  progress(`oidc-provider: issuing ${DISTINCT_TOKENS} opaque tokens`);
  const bare = await startBareProvider(stage);
  const opaque = await makeMany(DISTINCT_TOKENS, () => bareToken(bare));
  lines.push({ name: BARE, side: bare, workload: bareIntrospecting(opaque) });
  const title = `Introspection of ${DISTINCT_TOKENS.toLocaleString('en')} distinct tokens`;
  return { title, lines, targets, notes: [] };
}
