import { ask } from '../process/requests.ts';
import type { Stage } from '../process/stage.ts';
import { median } from '../report/summary.ts';
import { type Seeded, seed } from '../seeding/seed.ts';
import { DATABASE_NAMES, type DatabaseKind } from '../sides/side.ts';
import { startTaskgrant, type Taskgrant } from '../sides/taskgrant.ts';
import { WORKLOADS } from '../sides/taskgrant-workloads.ts';
import type { Contest, Finding, Line, Preparation, Target } from './contest.ts';

const FEW = 10_000;
const MANY = { tokens: 1_000_000, trees: 5 };
const QUICK = { tokens: 130_000, trees: 1 };
const COSTS_AT_MOST = 1.2;
const ROOT_AT_MOST = 2;
const START_WITHIN_MS = 2000;
const STARTS = 3;
const LEAVES_PER_ROOT = 15;

/** What size costs: a million stored tokens beside ten thousand, revoking a tree beside a leaf, starting. */
export async function stored({ stage, databases, quick, progress }: Preparation): Promise<Contest> {
  const lines: Line[] = [];
  const targets: Target[] = [];
  const full: { name: string; side: Taskgrant; seeded: Seeded }[] = [];
  for (const database of databases) {
    const wanted = quick ? QUICK : MANY;
    progress(`Taskgrant on ${DATABASE_NAMES[database]}: storing ${shown(wanted.tokens)} tokens`);
    const few = await prepared(stage, database, { tokens: FEW, trees: 0 });
    const many = await prepared(stage, database, wanted);
    for (const what of ['issuance', 'introspection'] as const) {
      const [small, large] = [few, many].map(({ name }) => `${name}, ${what}`) as [string, string];
      lines.push(
        { name: small, side: few.side, workload: few.workloads[what] },
        { name: large, side: many.side, workload: many.workloads[what] },
      );
      targets.push({ kind: 'cost', of: large, against: small, atMost: COSTS_AT_MOST });
    }
    full.push(many);
  }
  const afterwards = async () => {
    const findings: Finding[] = [];
    for (const { name, side, seeded } of full) {
      progress(`${name}: revoking trees and leaves, starting again`);
      findings.push(await revocations(name, side, seeded), await starts(name, side));
    }
    return findings;
  };
  return { title: 'Stored tokens', lines, targets, notes: [], afterwards };
}

async function prepared(stage: Stage, database: DatabaseKind, wanted: { tokens: number; trees: number }) {
  const side = await startTaskgrant(stage, { database });
  const seeded = await seed(side, wanted);
  const workloads = {
    issuance: await WORKLOADS.issuance(side),
    introspection: await WORKLOADS.introspection(side),
  };
  return {
    name: `Taskgrant on ${DATABASE_NAMES[database]}, ${shown(seeded.tokens)} stored`,
    side,
    seeded,
    workloads,
  };
}

/** One request at a time, leaves and roots in turn: the time until the revocation is committed and answered. */
async function revocations(name: string, side: Taskgrant, { trees }: Seeded): Promise<Finding> {
  const administrator = await side.administrator();
  const times = { root: [] as number[], leaf: [] as number[] };
  const revoke = async (tokenId: string): Promise<number> => {
    const begun = performance.now();
    await ask({
      url: `${side.origin}/api/admin/tokens/${tokenId}/revoke`,
      headers: { ...administrator, 'content-type': 'application/json' },
      body: '{}',
    });
    return performance.now() - begun;
  };
  for (const { root, leaves } of trees) {
    const [first = '', ...others] = leaves;
    // Not counted: it finds the connection cold.
    await revoke(first);
    for (const leaf of others.slice(0, LEAVES_PER_ROOT)) times.leaf.push(await revoke(leaf));
    times.root.push(await revoke(root));
  }
  const [root, leaf] = [median(times.root), median(times.leaf)];
  return {
    what: `${name}: revoking the root of a tree of 110,100 tokens takes at most ${ROOT_AT_MOST} × a leaf`,
    found:
      `${(root / leaf).toFixed(2)} × (${root.toFixed(1)} ms, ${times.root.length} roots; ` +
      `${leaf.toFixed(1)} ms, ${times.leaf.length} leaves)`,
    met: root <= ROOT_AT_MOST * leaf,
  };
}

/** From the spawn of the process to the first good answer of /health/ready, with the files in the cache. */
async function starts(name: string, side: Taskgrant): Promise<Finding> {
  const times: number[] = [];
  for (let start = 0; start < STARTS; start += 1) {
    await side.restart();
    times.push(side.startedIn);
  }
  const found = median(times);
  return {
    what: `${name}: ready within ${START_WITHIN_MS} ms of its start`,
    found: `${found.toFixed(0)} ms (of ${STARTS}: ${times.map((time) => time.toFixed(0)).join(', ')})`,
    met: found < START_WITHIN_MS,
  };
}

function shown(count: number): string {
  return count.toLocaleString('en');
}
