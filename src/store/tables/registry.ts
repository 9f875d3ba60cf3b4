import type { Knex } from 'knex';
import type { AgentReads } from '../../app/ports/agents.ts';
import type { Registry, RegistryView } from '../../app/ports/registry.ts';
import type { ResourceServerReads } from '../../app/ports/resource-servers.ts';
import { ownText } from '../../domain/own-text.ts';
import { gather } from '../waiting/gather.ts';
import { rowsOf } from '../sql/statements.ts';

/** Entries of one kind; whatever is beyond is read each time. */
const MOST_REMEMBERED = 10_000;

interface Reads {
  readonly agents: AgentReads;
  readonly resourceServers: ResourceServerReads;
}

/**
 * Remembers what is registered, under the version that was current before the first of it was read. An entry is never
 * older than its version; whether the version still is current is for whoever relies on it to find out.
 */
export function registry(db: Knex, reads: Reads): Registry {
  let remembered: RegistryView | undefined;
  const current = gather(async () => {
    const version = await registryVersion(db);
    if (remembered?.version !== version) remembered = viewOf(version, reads);
    return () => version;
  });
  return {
    async remembered() {
      if (!remembered) await current('version');
      return remembered as RegistryView;
    },
    isCurrent: async (version) => (await current('version')) === version,
  };
}

/** Changes with every row that is registered, in the same transaction. */
export async function registryVersion(db: Knex): Promise<number> {
  const [row] = await rowsOf<{ version: number }>(db, 'SELECT version FROM registry_version', []);
  if (!row) throw new Error('the table registry_version has lost its row');
  return row.version;
}

function viewOf(version: number, { agents, resourceServers }: Reads): RegistryView {
  const withSecrets = remember(agents.withSecrets);
  return {
    version,
    agents: { withSecrets, byId: async (clientId) => (await withSecrets(clientId))?.agent },
    resourceServers: {
      byClientId: remember(resourceServers.byClientId),
      byAudience: remember(resourceServers.byAudience),
    },
  };
}

/** Neither failures nor what does not exist are remembered: anybody may ask for that. */
function remember<V>(read: (key: string) => Promise<V | undefined>): (key: string) => Promise<V | undefined> {
  const known = new Map<string, V>();
  return async (key) => {
    const remembered = known.get(key);
    if (remembered !== undefined) return remembered;
    const value = await read(key);
    if (value !== undefined && known.size < MOST_REMEMBERED) known.set(ownText(key), value);
    return value;
  };
}
