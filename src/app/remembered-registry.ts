import type { AppContext } from './context.ts';
import type { Agent } from '../domain/agent.ts';
import type { Store } from './ports.ts';
import type { RegistryView } from './ports/registry.ts';

const contexts = new WeakMap<RegistryView, AppContext>();

/**
 * The same application on what is remembered of the registry instead of reading it. INVARIANT: nothing is committed on
 * a view that is no longer current: its units miss with REGISTRY_CHANGED. What only reads must ask `isCurrent`.
 */
export function onRemembered(context: AppContext, view: RegistryView): AppContext {
  const known = contexts.get(view);
  if (known) return known;
  const { store } = context;
  const remembering: Store = {
    ...store,
    agents: { ...store.agents, ...view.agents },
    resourceServers: { ...store.resourceServers, ...view.resourceServers },
    commit: (unit) => store.commit({ ...unit, registry: view.version }),
  };
  const remembered = { ...context, store: remembering };
  contexts.set(view, remembered);
  return remembered;
}

/** Asks for what a remembered agent is now; undefined while the view is current, or when it is gone. */
export function rereading(
  { store }: AppContext,
  view: RegistryView,
  clientId: string,
): () => Promise<Agent | undefined> {
  return async () =>
    (await store.registry.isCurrent(view.version)) ? undefined : store.agents.byId(clientId);
}
