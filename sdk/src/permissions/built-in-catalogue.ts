const ALL = ['read', 'write', 'delete'] as const;
const WITHOUT_DELETE = ['read', 'write'] as const;
const READ_ONLY = ['read'] as const;

/**
 * Services whose permissions every server knows: what each is called, and the actions on each of its resources.
 * Imports nothing, so that clients can be built with it too.
 */
export const BUILT_IN_SERVICES = {
  zendesk: { name: 'Zendesk', resources: { tickets: ALL, users: ALL } },
  slack: { name: 'Slack', resources: { messages: ALL, channels: ALL } },
  hubspot: { name: 'HubSpot', resources: { contacts: ALL, deals: ALL, companies: ALL } },
  github: { name: 'GitHub', resources: { repos: ALL, issues: ALL, pull_requests: ALL } },
  salesforce: { name: 'Salesforce', resources: { accounts: ALL, leads: ALL } },
  stripe: { name: 'Stripe', resources: { payments: WITHOUT_DELETE, customers: ALL, invoices: READ_ONLY } },
} as const;

/** Every permission of the built-in services, with what it means to a person. */
export function builtInPermissions(): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const [service, { name, resources }] of Object.entries(BUILT_IN_SERVICES)) {
    for (const [resource, actions] of Object.entries<readonly string[]>(resources)) {
      for (const action of actions) {
        found.set(
          `${service}:${resource}:${action}`,
          `${VERBS[action]} ${resource.replace('_', ' ')} in ${name}`,
        );
      }
    }
  }
  return found;
}

const VERBS: Readonly<Record<string, string>> = {
  read: 'Read',
  write: 'Create and change',
  delete: 'Delete',
};
