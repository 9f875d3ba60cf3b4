import type { Agent } from '../domain/agent.ts';
import type { ApiKey } from '../domain/api-key.ts';
import type { AuditEvent } from '../domain/audit-event.ts';
import { DomainError } from '../domain/errors.ts';
import type { ResourceServer } from '../domain/resource-server.ts';
import type { Basis, HandleKind } from '../domain/revocation.ts';
import type { Role, RoleHolder } from '../domain/role.ts';
import type { EndedState, Task } from '../domain/task.ts';
import type { TaskToken } from '../domain/task-token.ts';
import type { User } from '../domain/user.ts';
import type { Webhook, WebhookDelivery } from '../domain/webhook.ts';
import type { Artifact } from './artifact.ts';
import type { CatalogueEntry } from './ports/permissions.ts';
import type { IdempotencyRecord } from './ports/idempotency.ts';

/** A condition that must hold inside the commit transaction; `miss` is thrown when it does not. */
export interface Guard {
  /** Nothing that this stands on may have been revoked (S24, R14). */
  readonly live: Basis;
  readonly miss: DomainError;
  /** For what ends by itself: when, in milliseconds since the epoch, and what is thrown from then on. */
  readonly until?: { readonly at: number; readonly miss: DomainError };
}

export interface ClientSecret {
  readonly id: string;
  readonly clientId: string;
  readonly digest: string;
  readonly createdAt: number;
  readonly expiresAt: number | null;
}

export interface LedgerEntry {
  readonly kind: HandleKind;
  readonly handle: string;
  readonly epoch: number;
  readonly reason: string | null;
  readonly actor: string | null;
  readonly at: number;
  /** The row may be removed when the last task that depends on the handle has expired (R2). */
  readonly expiresAt: number;
  /** Which tasks depend on it is not known: kept until every task there is has expired, whatever it was allowed then. */
  readonly outlivesAll?: boolean;
}

export type AgentPatch = Partial<Omit<Agent, 'clientId' | 'kind' | 'createdAt' | 'roles'>>;
export type WebhookPatch = Partial<Omit<Webhook, 'id' | 'owner' | 'createdAt' | 'failures'>> & {
  readonly updatedAt: number;
  readonly failures?: 0;
};
export type UserPatch = Partial<Pick<User, 'name' | 'state' | 'epoch' | 'permissions'>> & {
  passwordHash?: string;
};

/**
 * One row-level step. Steps with `miss` are conditional: when the row they name is not in the expected state,
 * the whole unit is undone and rejected with `miss`.
 */
export type Change =
  | { readonly do: 'insert_task'; readonly task: Task; readonly miss: DomainError }
  | { readonly do: 'count_child'; readonly handle: string; readonly miss: DomainError }
  | { readonly do: 'require_active_task'; readonly handle: string; readonly miss: DomainError }
  | {
      readonly do: 'end_task';
      readonly handle: string;
      readonly state: EndedState;
      readonly reason: string | null;
      readonly at: number;
      readonly miss: DomainError | null;
    }
  | { readonly do: 'insert_token'; readonly token: TaskToken }
  | {
      readonly do: 'consume_token';
      readonly tokenId: string;
      readonly at: number;
      readonly redeemedAs: string | null;
      readonly miss: DomainError;
    }
  | {
      readonly do: 'mark_token_revoked';
      readonly tokenId: string;
      /** What a hand-off token was read to be used for: it misses when it was used since. */
      readonly redeemedAs: string | null;
      readonly reason: string | null;
      readonly at: number;
      readonly miss: DomainError;
    }
  | { readonly do: 'revoke'; readonly entry: LedgerEntry }
  | { readonly do: 'insert_agent'; readonly agent: Agent; readonly miss: DomainError }
  | {
      readonly do: 'update_agent';
      readonly clientId: string;
      /** The epoch read before deciding: two administrators cannot overwrite each other's state change. */
      readonly expectEpoch: number;
      /** What else was read before deciding and must still be so. */
      readonly expect?: AgentPatch;
      readonly set: AgentPatch;
      readonly miss: DomainError;
    }
  | { readonly do: 'insert_secret'; readonly secret: ClientSecret }
  | {
      /** Misses when the client has as many secrets that work as it may. */
      readonly do: 'require_few_secrets';
      readonly clientId: string;
      readonly most: number;
      readonly at: number;
      readonly miss: DomainError;
    }
  | {
      readonly do: 'expire_secrets';
      readonly clientId: string;
      readonly except: string | null;
      readonly at: number;
    }
  | {
      /** Misses when the agent has as many keys that work as it may. */
      readonly do: 'insert_api_key';
      readonly key: ApiKey;
      readonly most: number;
      readonly at: number;
      readonly miss: DomainError;
    }
  | {
      /** The key must still work; what it opened is noted, and when it was used. */
      readonly do: 'use_api_key';
      readonly keyId: string;
      readonly clientId: string;
      readonly task: Pick<Task, 'handle' | 'expiresAt'> | null;
      readonly at: number;
      readonly miss: DomainError;
    }
  | {
      /** Replaces a key that still works, or revokes one that was not revoked yet. */
      readonly do: 'end_api_key';
      readonly keyId: string;
      readonly expiresAt: number;
      readonly revokedAt: number | null;
      readonly replacedBy: string | null;
      readonly at: number;
      readonly miss: DomainError;
    }
  | { readonly do: 'end_api_keys'; readonly clientId: string; readonly at: number }
  | {
      readonly do: 'insert_registration_token';
      readonly digest: string;
      readonly clientId: string;
      readonly expiresAt: number;
    }
  | {
      readonly do: 'consume_registration_token';
      readonly digest: string;
      readonly at: number;
      readonly miss: DomainError;
    }
  | {
      readonly do: 'insert_user';
      readonly user: User;
      readonly passwordHash: string;
      readonly miss: DomainError;
    }
  | {
      readonly do: 'update_user';
      readonly userId: string;
      readonly expectEpoch: number;
      /** What else was read before deciding and must still be so. */
      readonly expect: Pick<User, 'name' | 'state' | 'permissions'>;
      readonly set: UserPatch;
      readonly miss: DomainError;
    }
  | { readonly do: 'insert_resource_server'; readonly server: ResourceServer; readonly miss: DomainError }
  | {
      readonly do: 'update_resource_server';
      readonly server: ResourceServer;
      /** What was read before deciding and must still be so. */
      readonly expect?: ResourceServer;
      readonly miss: DomainError;
    }
  | { readonly do: 'delete_resource_server'; readonly clientId: string }
  | { readonly do: 'insert_role'; readonly role: Role; readonly miss: DomainError }
  | {
      readonly do: 'update_role';
      readonly role: Role;
      /** What was read before deciding and must still be so. */
      readonly expect: Role;
      readonly miss: DomainError;
    }
  | { readonly do: 'delete_role'; readonly name: string; readonly miss: DomainError }
  | {
      /** Misses when there is no such role any more, when it is held already, or the holder has as many as it may. */
      readonly do: 'assign_role';
      readonly role: string;
      readonly holder: RoleHolder;
      readonly most: number;
      readonly at: number;
      readonly miss: DomainError;
    }
  | {
      readonly do: 'unassign_role';
      readonly role: string;
      readonly holder: RoleHolder;
      readonly miss: DomainError;
    }
  | {
      /** Misses when it is there already, or the catalogue holds as many as it may. */
      readonly do: 'insert_permission';
      readonly entry: CatalogueEntry;
      readonly most: number;
      readonly miss: DomainError;
    }
  | { readonly do: 'delete_permission'; readonly permission: string; readonly miss: DomainError }
  | { readonly do: 'insert_artifact'; readonly artifact: Artifact; readonly miss: DomainError }
  | {
      readonly do: 'consume_artifact';
      readonly model: string;
      readonly id: string;
      readonly at: number;
      readonly miss: DomainError;
    }
  | {
      readonly do: 'delete_artifact';
      readonly model: string;
      readonly id: string;
      /** Null where one that is gone already is as good. */
      readonly miss: DomainError | null;
    }
  | { readonly do: 'delete_artifacts_of_grant'; readonly grant: string }
  | {
      readonly do: 'insert_webhook';
      readonly webhook: Webhook;
      /** How many its owner may have. */
      readonly most: number;
      readonly miss: DomainError;
    }
  | {
      readonly do: 'update_webhook';
      readonly id: string;
      /** What was read before deciding: two people cannot overwrite each other's change. */
      readonly expectUpdatedAt: number;
      readonly set: WebhookPatch;
      readonly miss: DomainError;
    }
  | { readonly do: 'delete_webhook'; readonly id: string; readonly miss: DomainError }
  | {
      /** It must be there and enabled. */
      readonly do: 'require_webhook';
      readonly id: string;
      readonly miss: DomainError;
    }
  | {
      readonly do: 'insert_webhook_delivery';
      readonly delivery: WebhookDelivery;
      /** Of this unit, whose first event it tells. */
      readonly unitId: string;
      readonly miss: DomainError;
    }
  | {
      readonly do: 'redeliver';
      readonly webhookId: string;
      readonly deliveryId: string;
      readonly at: number;
      readonly miss: DomainError;
    }
  | { readonly do: 'delete_sessions_and_consents'; readonly userId: string }
  | { readonly do: 'delete_registration_access_token'; readonly clientId: string }
  | { readonly do: 'delete_event_receiver'; readonly clientId: string }
  | {
      readonly do: 'insert_idempotency_record';
      readonly record: IdempotencyRecord;
      readonly miss: DomainError;
    };

/** The miss of a unit that was decided on a registry that has changed meanwhile: decide again, on what it is now. */
export const REGISTRY_CHANGED = new DomainError('conflict', 'what is registered has changed meanwhile');

/** The miss of a rotation that another request was faster with: decide again, about a token that was used. */
export const ROTATED_MEANWHILE = new DomainError('grant_replayed', 'the refresh token was used before');

/** All or nothing: guards, changes and the audit events that tell of them. `id` makes a retry safe (R14). */
export interface UnitOfWork {
  readonly id: string;
  readonly guards: readonly Guard[];
  /** The version of the registry that was decided on from memory; absent = what was read is taken as it was. */
  readonly registry?: number | undefined;
  readonly changes: readonly Change[];
  readonly events: readonly AuditEvent[];
  /** Part of a refusal: committed although the request that hands it over comes to nothing (R14). */
  readonly outlivesRefusal?: boolean;
}

/** What a unit tells, apart from what it writes. */
export type Told = Pick<UnitOfWork, 'id' | 'events'>;

/** What must hold in a commit, apart from what it writes. */
export type Conditions = Pick<UnitOfWork, 'guards' | 'changes'>;
