import { DATABASE_NAMES } from '../sides/side.ts';
import { deriving, introspecting, startTaskgrant } from '../sides/taskgrant.ts';
import { chainsTo, childrenOf, DISTINCT_TOKENS } from '../sides/taskgrant-workloads.ts';
import type { Contest, Line, Preparation, Target } from './contest.ts';

/** As deep as tasks can be configured to go. */
const DEEPEST = 16;
const COSTS_AT_MOST = 1.3;
const PARENTS = 512;

/** What ancestors cost: tasks with sixteen of them beside tasks with one. */
export async function depth({ stage, databases, quick, progress }: Preparation): Promise<Contest> {
  const lines: Line[] = [];
  const targets: Target[] = [];
  for (const database of databases) {
    const on = `Taskgrant on ${DATABASE_NAMES[database]}`;
    const side = await startTaskgrant(stage, { database });
    const names: { derive: string; introspect: string }[] = [];
    for (const level of [1, DEEPEST]) {
      progress(`${on}: making tasks down to depth ${level}`);
      const parents = await chainsTo(side, level - 1, quick ? PARENTS / 4 : PARENTS);
      const tokens = await childrenOf(side, parents, quick ? DISTINCT_TOKENS / 8 : DISTINCT_TOKENS);
      const derive = `${on}, deriving a task at depth ${level}`;
      const introspect = `${on}, introspection at depth ${level}`;
      lines.push(
        { name: derive, side, workload: deriving(side, parents) },
        { name: introspect, side, workload: introspecting(side, tokens) },
      );
      names.push({ derive, introspect });
    }
    const [shallow, deep] = names;
    if (!shallow || !deep) continue;
    targets.push(
      { kind: 'cost', of: deep.derive, against: shallow.derive, atMost: COSTS_AT_MOST },
      { kind: 'cost', of: deep.introspect, against: shallow.introspect, atMost: COSTS_AT_MOST },
    );
  }
  return { title: 'Depth', lines, targets, notes: [] };
}
