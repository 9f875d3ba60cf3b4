import type { AppContext } from './context.ts';
import type { RegistryView, Store } from './ports.ts';

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
