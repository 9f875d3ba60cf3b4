import { betterAuthIssuing, startBetterAuth } from '../sides/better-auth.ts';
import { bareIssuing, startBareProvider } from '../sides/bare-provider.ts';
import { glewlwydIsInstalled, glewlwydIssuing, startGlewlwyd } from '../sides/glewlwyd.ts';
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
export async function issuance(preparation: Preparation): Promise<Contest> {
  const { databases } = preparation;
  const lines: Line[] = [];
  for (const database of databases) lines.push(...(await ownLines(preparation, database)));
  for (const database of databases) lines.push(...(await betterAuthLines(preparation, database)));
  const withGlewlwyd = glewlwydIsInstalled();
  if (withGlewlwyd) {
    const side = await startGlewlwyd(preparation.stage);
    lines.push({ name: 'glewlwyd on SQLite, ES256 JWT', side, workload: glewlwydIssuing() });
  }
  lines.push(...(await bareLines(preparation)));
  return {
    title: 'Issuance (client_credentials)',
    lines,
    targets: databases.flatMap(targetsOn),
    notes: withGlewlwyd ? [] : ["glewlwyd (Debian's package) is not installed here"],
  };
}

async function ownLines({ stage, progress }: Preparation, database: DatabaseKind): Promise<Line[]> {
  const name = ownName(database);
  progress(`starting ${name}, without and with rate limits`);
  const side = await startTaskgrant(stage, { database });
  const limited = await startTaskgrant(stage, { database, env: HIGH_LIMITS });
  return [
    { name, side, workload: issuing(side), profile: { workload: 'issuance', database } },
    { name: `${name}, rate limits on`, side: limited, workload: issuing(limited) },
  ];
}

async function betterAuthLines({ stage, progress }: Preparation, database: DatabaseKind): Promise<Line[]> {
  const [opaque, jwt] = betterAuthNames(database);
  progress(`starting ${opaque}`);
  const side = await startBetterAuth(stage, database);
  return [
    { name: opaque, side, workload: betterAuthIssuing('opaque') },
    { name: jwt, side, workload: betterAuthIssuing('jwt') },
  ];
}

/** Each in a process of its own, so that neither grows the memory of the other. */
async function bareLines({ stage, progress }: Preparation): Promise<Line[]> {
  progress('starting oidc-provider');
  return [
    { name: BARE_JWT, side: await startBareProvider(stage), workload: bareIssuing('jwt') },
    {
      name: 'oidc-provider alone, in memory, opaque token',
      side: await startBareProvider(stage),
      workload: bareIssuing('opaque'),
    },
  ];
}

function targetsOn(database: DatabaseKind): Target[] {
  const of = ownName(database);
  return [
    { kind: 'speed', of, against: BARE_JWT, atLeast: SHARE_OF_BARE[database] },
    { kind: 'p99', of, below: P99_MS },
    { kind: 'memory', of, below: MEMORY_LIMIT_MB },
    ...betterAuthNames(database).map(
      (against): Target => ({ kind: 'speed', of, against, atLeast: TIMES_BETTER_AUTH }),
    ),
  ];
}

function ownName(database: DatabaseKind): string {
  return `Taskgrant on ${DATABASE_NAMES[database]}, ES256 JWT`;
}

function betterAuthNames(database: DatabaseKind): [opaque: string, jwt: string] {
  const on = `better-auth on ${DATABASE_NAMES[database]}`;
  return [`${on}, opaque token`, `${on}, ES256 JWT`];
}
