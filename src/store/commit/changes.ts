import type { Knex } from 'knex';
import type { Change } from '../../app/unit-of-work.ts';
import type { DomainError } from '../../domain/errors.ts';
import * as agent from '../tables/agent-changes.ts';
import * as apiKey from '../tables/api-key-changes.ts';
import type { Applier, ChangeKind, Step } from '../sql/applier.ts';
import * as artifact from '../tables/artifact-changes.ts';
import { deleteEventReceiver } from '../tables/event-receivers.ts';
import { insertIdempotencyRecord } from '../tables/idempotency-records.ts';
import { revoke } from '../ledger/ledger.ts';
import * as permission from '../tables/permissions.ts';
import * as server from '../tables/resource-servers.ts';
import * as role from '../tables/roles.ts';
import * as task from '../tables/task-changes.ts';
import * as token from '../tables/token-changes.ts';
import * as user from '../tables/users.ts';
import * as webhook from '../tables/webhook-changes.ts';

/** INVARIANT: exhaustive. A new kind of change does not compile until it has an applier. */
const APPLIERS: { readonly [K in ChangeKind]: Applier<K> } = {
  use_api_key: apiKey.useApiKey,
  consume_artifact: artifact.consumeArtifact,
  consume_token: token.consumeToken,
  count_child: task.countChild,
  require_active_task: task.requireActiveTask,
  insert_artifact: artifact.insertArtifact,
  insert_task: task.insertTask,
  insert_token: token.insertToken,
  end_task: task.endTask,
  mark_token_revoked: token.markTokenRevoked,
  insert_agent: agent.insertAgent,
  update_agent: agent.updateAgent,
  insert_secret: agent.insertSecret,
  require_few_secrets: agent.requireFewSecrets,
  expire_secrets: agent.expireSecrets,
  insert_api_key: apiKey.insertApiKey,
  end_api_key: apiKey.endApiKey,
  end_api_keys: apiKey.endApiKeys,
  insert_registration_token: agent.insertRegistrationToken,
  consume_registration_token: agent.consumeRegistrationToken,
  insert_user: user.insertUser,
  update_user: user.updateUser,
  insert_resource_server: server.insertResourceServer,
  update_resource_server: server.updateResourceServer,
  delete_resource_server: server.deleteResourceServer,
  insert_role: role.insertRole,
  update_role: role.updateRole,
  delete_role: role.deleteRole,
  assign_role: role.assignRole,
  unassign_role: role.unassignRole,
  insert_permission: permission.insertPermission,
  delete_permission: permission.deletePermission,
  delete_artifact: artifact.deleteArtifact,
  delete_artifacts_of_grant: artifact.deleteArtifactsOfGrant,
  delete_sessions_and_consents: artifact.deleteSessionsAndConsents,
  delete_registration_access_token: artifact.deleteRegistrationAccessToken,
  delete_event_receiver: deleteEventReceiver,
  insert_webhook: webhook.insertWebhook,
  update_webhook: webhook.updateWebhook,
  delete_webhook: webhook.deleteWebhook,
  require_webhook: webhook.requireWebhook,
  insert_webhook_delivery: webhook.insertDelivery,
  redeliver: webhook.redeliver,
  insert_idempotency_record: insertIdempotencyRecord,
  revoke,
};

/** Kinds whose appliers send all that they send at once, without waiting for an answer in between. */
const ONE_SHOT: ReadonlySet<ChangeKind> = new Set([
  'consume_artifact',
  'consume_token',
  'count_child',
  'require_active_task',
  'insert_task',
  'insert_token',
]);

export function isOneShot(kind: ChangeKind): boolean {
  return ONE_SHOT.has(kind);
}

/** In which order units that are applied together are brought to a common next kind: what most start with comes first. */
const PRECEDENCE = new Map(Object.keys(APPLIERS).map((kind, i) => [kind, i]));

export function precedes(a: ChangeKind, b: ChangeKind): boolean {
  return (PRECEDENCE.get(a) ?? 0) < (PRECEDENCE.get(b) ?? 0);
}

/** Applies changes of one kind and answers the `miss` of each that did not find its row as expected. */
export async function applyChanges(
  db: Knex,
  kind: ChangeKind,
  steps: readonly Step<ChangeKind>[],
): Promise<readonly (DomainError | undefined)[]> {
  const apply = APPLIERS[kind] as Applier<ChangeKind>;
  const hits = await apply(db, steps);
  return steps.map(({ change }, i) => (hits[i] ? undefined : missOf(change)));
}

function missOf(change: Change): DomainError | undefined {
  return 'miss' in change && change.miss !== null ? change.miss : undefined;
}
