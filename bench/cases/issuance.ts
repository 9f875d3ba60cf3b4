import { betterAuthIssuing, startBetterAuth } from '../sides/better-auth.ts';
import { bareIssuing, startBareProvider } from '../sides/bare-provider.ts';
import { DATABASE_NAMES, type DatabaseKind } from '../sides/side.ts';
import { issuing, startTaskgrant } from '../sides/taskgrant.ts';
import { type Contest, type Line, MEMORY_LIMIT_MB, type Preparation, type Target } from './contest.ts';

const BARE_JWT = 'oidc-provider alone, in memory, ES256 JWT';
const SHARE_OF_BARE: Record<DatabaseKind, number> = { postgres: 0.85, sqlite: 0.75 };
const TIMES_BETTER_AUTH = 8;
const P99_MS = 15;

const UNREACHED = '100000000';
/** Every request is counted, and none is refused. */
const HIGH_LIMITS = {
  RATE_LIMITS: 'on',
  RATE_LIMIT_FREE: UNREACHED,
  RATE_LIMIT_PRO: UNREACHED,
  RATE_LIMIT_ENTERPRISE: UNREACHED,
  RATE_LIMIT_RESOURCE_SERVERS: UNREACHED,
  RATE_LIMIT_ANONYMOUS: UNREACHED,
};

/** Root tasks by client_credentials: task, token and audit event are committed before the answer. */
export async function issuance({ stage, databases, progress }: Preparation): Promise<Contest> {
  const lines: Line[] = [];
  const targets: Target[] = [];
  for (const database of databases) {
    progress(`starting Taskgrant on ${DATABASE_NAMES[database]}`);
    const side = await startTaskgrant(stage, { database });
    const name = nameOn(database);
    lines.push({ name, side, workload: issuing(side), profile: { workload: 'issuance', database } });
    targets.push(
      { kind: 'speed', of: name, against: BARE_JWT, atLeast: SHARE_OF_BARE[database] },
      { kind: 'p99', of: name, below: P99_MS },
      { kind: 'memory', of: name, below: MEMORY_LIMIT_MB },
    );
  }
  for (const database of databases) {
    progress(`starting Taskgrant on ${DATABASE_NAMES[database]} with rate limits`);
    const side = await startTaskgrant(stage, { database, env: HIGH_LIMITS });
    lines.push({ name: `${nameOn(database)}, rate limits on`, side, workload: issuing(side) });
  }
  for (const database of databases) {
    const on = `better-auth on ${DATABASE_NAMES[database]}`;
    progress(`starting ${on}`);
    const side = await startBetterAuth(stage, database);
    const opaque = `${on}, opaque token`;
    const jwt = `${on}, ES256 JWT`;
    lines.push(
      { name: opaque, side, workload: betterAuthIssuing('opaque') },
      { name: jwt, side, workload: betterAuthIssuing('jwt') },
    );
    for (const against of [opaque, jwt]) {
      targets.push({ kind: 'speed', of: nameOn(database), against, atLeast: TIMES_BETTER_AUTH });
    }
  }
  progress('starting oidc-provider');
  const bare = await startBareProvider(stage);
  lines.push(
    { name: BARE_JWT, side: bare, workload: bareIssuing('jwt') },
    {
      name: 'oidc-provider alone, in memory, opaque token',
      side: await startBareProvider(stage),
      workload: bareIssuing('opaque'),
    },
  );
  return { title: 'Issuance (client_credentials)', lines, targets, notes: [] };
}

function nameOn(database: DatabaseKind): string {
  return `Taskgrant on ${DATABASE_NAMES[database]}, ES256 JWT`;
}
