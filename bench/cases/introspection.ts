import { makeMany } from '../process/requests.ts';
import { bareIntrospecting, bareToken, startBareProvider } from '../sides/bare-provider.ts';
import { DATABASE_NAMES, type DatabaseKind } from '../sides/side.ts';
import { deriveTask, introspecting, openTask, startTaskgrant, type Taskgrant } from '../sides/taskgrant.ts';
import { type Contest, type Line, MEMORY_LIMIT_MB, type Preparation, type Target } from './contest.ts';

/** Distinct tokens, so that no answer can come from the one before. */
const TOKENS = 10_240;
const CHILDREN_PER_PARENT = 20;
const BARE = 'oidc-provider alone, in memory, opaque tokens';
const SHARE_OF_BARE: Record<DatabaseKind, number> = { postgres: 0.8, sqlite: 0.6 };

/** Introspection of JWTs with the check of their lineage, over many distinct tokens made before. */
export async function introspection({ stage, databases, progress }: Preparation): Promise<Contest> {
  const lines: Line[] = [];
  const targets: Target[] = [];
  for (const database of databases) {
    const on = `Taskgrant on ${DATABASE_NAMES[database]}`;
    progress(`${on}: issuing ${TOKENS} tokens of root tasks, then as many of child tasks`);
    const side = await startTaskgrant(stage, { database });
    const roots = await makeMany(TOKENS, async () => (await openTask(side)).access_token);
    const children = await childrenOf(side, roots.slice(0, TOKENS / CHILDREN_PER_PARENT));
    const rootLine = `${on}, JWTs of root tasks`;
    const childLine = `${on}, JWTs of child tasks`;
    lines.push(
      { name: rootLine, side, workload: introspecting(side, roots) },
      { name: childLine, side, workload: introspecting(side, children) },
    );
    for (const name of [rootLine, childLine]) {
      targets.push({ kind: 'speed', of: name, against: BARE, atLeast: SHARE_OF_BARE[database] });
    }
    targets.push({ kind: 'memory', of: childLine, below: MEMORY_LIMIT_MB });
  }
  progress(`oidc-provider: issuing ${TOKENS} opaque tokens`);
  const bare = await startBareProvider(stage);
  const opaque = await makeMany(TOKENS, () => bareToken(bare));
  lines.push({ name: BARE, side: bare, workload: bareIntrospecting(opaque) });
  return {
    title: `Introspection of ${TOKENS.toLocaleString('en')} distinct tokens`,
    lines,
    targets,
    notes: [],
  };
}

function childrenOf(side: Taskgrant, parents: readonly string[]): Promise<string[]> {
  return makeMany(parents.length * CHILDREN_PER_PARENT, async (number) => {
    const parent = parents[number % parents.length] ?? '';
    return (await deriveTask(side, parent)).access_token;
  });
}
