import type { Change, UnitOfWork } from '../../app/unit-of-work.ts';

/**
 * What a unit must have for itself in a batch: the rows whose state its changes depend on (R14). Two units with
 * a common key are committed one after the other.
 */
export function conditionalKeys(unit: UnitOfWork): readonly string[] {
  return unit.changes.flatMap(keysOf);
}

function keysOf(change: Change): readonly string[] {
  switch (change.do) {
    case 'insert_task':
      return [`task_id:${change.task.taskId}`];
    case 'end_task':
      return [`task:${change.handle}`];
    case 'consume_token':
    case 'mark_token_revoked':
      return [`token:${change.tokenId}`];
    case 'insert_agent':
      return [`agent:${change.agent.clientId}`];
    case 'update_agent':
    case 'expire_secrets':
    case 'require_few_secrets':
      return [`agent:${change.clientId}`];
    case 'end_api_key':
      return [`api_key:${change.keyId}`];
    case 'consume_registration_token':
      return [`registration:${change.digest}`];
    case 'insert_user':
      return [`user:${change.user.userId}`, `email:${change.user.email}`];
    case 'update_user':
      return [`user:${change.userId}`];
    case 'insert_resource_server':
    case 'update_resource_server':
    case 'delete_resource_server':
      // All of them, because they may take or free the same audience.
      return ['resource_servers'];
    case 'insert_role':
    case 'update_role':
      return [`role:${change.role.name}`];
    case 'delete_role':
      return [`role:${change.name}`];
    case 'assign_role':
      return [`role:${change.role}`, `${change.holder.kind}:${change.holder.id}`];
    case 'unassign_role':
      return [`role:${change.role}`];
    case 'insert_api_key':
      return [`agent:${change.key.clientId}`];
    case 'insert_permission':
      return [`permission:${change.entry.permission}`];
    case 'delete_permission':
      return [`permission:${change.permission}`];
    case 'insert_webhook':
      return [`webhooks of:${change.webhook.owner}`, `agent:${change.webhook.agentId}`];
    case 'update_webhook':
    case 'delete_webhook':
    case 'require_webhook':
      return [`webhook:${change.id}`];
    case 'redeliver':
      return [`delivery:${change.deliveryId}`];
    case 'insert_webhook_delivery':
      return [`delivery:${change.delivery.id}`];
    case 'insert_artifact':
      return [`artifact:${change.artifact.model}:${change.artifact.id}`];
    case 'consume_artifact':
    case 'delete_artifact':
      return [`artifact:${change.model}:${change.id}`];
    case 'insert_idempotency_record':
      return [`idempotency:${change.record.id}`];
    // Children of one task are counted together: a task that fans out would wait a commit for each otherwise.
    case 'count_child':
    case 'require_active_task':
    case 'insert_token':
    case 'revoke':
    case 'insert_secret':
    // A key opens many tasks at once, and is ended for all of them.
    case 'use_api_key':
    case 'end_api_keys':
    case 'insert_registration_token':
    case 'delete_artifacts_of_grant':
    case 'delete_sessions_and_consents':
    case 'delete_registration_access_token':
    case 'delete_event_receiver':
      return [];
  }
}
