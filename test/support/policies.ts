import { policiesOf } from '../../src/config/policies.ts';
import { policySettings } from '../../src/config/settings/policies.ts';
import { ADMIN_CLIENT, type TestServer } from './server.ts';

/** Spares the tests' own administrator. */
const NOT_THE_ADMINISTRATOR = { except: { clients: [ADMIN_CLIENT] } };

/** What a restart with these rules does, without one: ids of clients are known only once they are registered. */
export function setPolicies(
  { taskgrant, issuer }: TestServer,
  rules: readonly object[],
  allowedDelegations: readonly object[] = [],
): void {
  const policies = policySettings.parse({
    rules: rules.map((rule) => ({ ...NOT_THE_ADMINISTRATOR, ...rule })),
    allowedDelegations,
  });
  Object.assign(taskgrant.context.settings, { policies: policiesOf({ policies, issuer }) });
}
