import { makeMany } from '../process/requests.ts';
import { startProxy } from '../sdk/cuttable-proxy.ts';
import { losses } from '../sdk/losses.ts';
import { offlineChecks } from '../sdk/offline-check.ts';
import { visibility } from '../sdk/visibility.ts';
import { calling, type ProtectedApiOptions, startProtectedApi } from '../sides/protected-api.ts';
import { DATABASE_NAMES } from '../sides/side.ts';
import { openTask, startTaskgrant, type Taskgrant } from '../sides/taskgrant.ts';
import type { Contest, Finding, Line, Preparation } from './contest.ts';

const TOKENS = 2048;
const SPEED_AT_LEAST = 5;
const LIVE = 'API, live, tokens seen before';
const INTROSPECTING = 'API, introspection, uncached';
const MODES: readonly (readonly [string, ProtectedApiOptions])[] = [
  ['API without any check', { mode: 'unprotected' }],
  [LIVE, { mode: 'live' }],
  ['API, live, every token verified anew', { mode: 'live', remember: 0 }],
  [INTROSPECTING, { mode: 'introspection' }],
];

/** APIs behind the SDK: what a check costs, how soon a revocation is known, and that none is lost. */
export async function sdk({ stage, databases, quick, progress }: Preparation): Promise<Contest> {
  const [first, ...others] = databases;
  if (first === undefined) throw new Error('there is no database to measure on');
  const taskgrant = await startTaskgrant(stage, { database: first });
  progress(`Taskgrant on ${DATABASE_NAMES[first]}: issuing ${TOKENS} tokens`);
  const tokens = await makeMany(TOKENS, async () => (await openTask(taskgrant)).access_token);
  const lines: Line[] = [];
  for (const [name, options] of MODES) {
    lines.push({ name, side: await startProtectedApi(stage, taskgrant, options), workload: calling(tokens) });
  }
  const afterwards = async () => {
    progress('checking tokens offline');
    const findings = await offlineChecks(quick ? 1000 : 4000);
    const servers = [{ taskgrant, database: first }];
    for (const database of others) {
      servers.push({ taskgrant: await startTaskgrant(stage, { database }), database });
    }
    for (const server of servers) {
      const name = `Taskgrant on ${DATABASE_NAMES[server.database]}`;
      progress(`${name}: revoking, and killing what follows`);
      findings.push(...(await feedFindings(name, server.taskgrant)));
    }
    return findings;
  };

  async function feedFindings(name: string, server: Taskgrant): Promise<Finding[]> {
    const proxy = await startProxy(stage, server.origin);
    const behind = { mode: 'live', revocations: `${proxy.origin}/api/revocations` } as const;
    const apis = [
      await startProtectedApi(stage, server, behind),
      await startProtectedApi(stage, server, { mode: 'live' }),
      await startProtectedApi(stage, server, { mode: 'live' }),
    ];
    const scene = { taskgrant: server, apis, proxy };
    return [
      await visibility(name, server, apis, quick ? 50 : 300),
      ...(await losses(name, scene, quick ? 1 : 5)),
    ];
  }

  return {
    title: 'APIs behind the SDK',
    lines,
    targets: [{ kind: 'speed', of: LIVE, against: INTROSPECTING, atLeast: SPEED_AT_LEAST }],
    notes: [
      `Requests with ${TOKENS.toLocaleString('en')} distinct tokens; CPU is that of the API's process alone, the server's not included.`,
    ],
    afterwards,
  };
}
