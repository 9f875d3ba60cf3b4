import type { AgentReads } from './ports/agents.ts';
import type { ApiKeyReads } from './ports/api-keys.ts';
import type { Artifacts } from './ports/artifacts.ts';
import type { AuditReads } from './ports/audit.ts';
import type { Counts } from './ports/counts.ts';
import type { EventReceivers } from './ports/event-receivers.ts';
import type { IdempotencyReads } from './ports/idempotency.ts';
import type { LedgerReads } from './ports/ledger.ts';
import type { PermissionReads } from './ports/permissions.ts';
import type { Registry } from './ports/registry.ts';
import type { ResourceServerReads } from './ports/resource-servers.ts';
import type { RoleReads } from './ports/roles.ts';
import type { StatusLists } from './ports/status-lists.ts';
import type { TaskReads } from './ports/tasks.ts';
import type { TokenReads } from './ports/tokens.ts';
import type { UserReads } from './ports/users.ts';
import type { WebhookReads } from './ports/webhooks.ts';
import type { UnitOfWork } from './unit-of-work.ts';

/** Milliseconds since the epoch. */
export interface Clock {
  now(): number;
}

export interface Ids {
  /** 128 random bits, base64url; never with a leading hyphen, which a shell would read as an option. */
  next(): string;
  /** 48 bits of time (ms since the epoch) and 80 random bits: ids sort as they were made. */
  ordered(now: number): string;
  /** 256 random bits, base64url: tokens, client secrets. */
  secret(): string;
}

export interface Digests {
  /** SHA-256 in base64url: for random 256-bit secrets, and the S256 transformation of RFC 7636 §4.2. */
  sha256(value: string): string;
  /** Compares in constant time. */
  equal(a: string, b: string): boolean;
}

export interface Passwords {
  hash(password: string): Promise<string>;
  /** Takes as long for `null` (no such user) as for a stored hash. */
  verify(password: string, hash: string | null): Promise<boolean>;
}

export interface Logger {
  debug(message: string, fields?: Record<string, unknown>): void;
  info(message: string, fields?: Record<string, unknown>): void;
  warn(message: string, fields?: Record<string, unknown>): void;
  error(message: string, fields?: Record<string, unknown>): void;
}

export interface AccessTokenSigner {
  /** A JWT of `typ: at+jwt` (RFC 9068) signed with the current key. */
  sign(claims: Record<string, unknown>): Promise<string>;
  /**
   * The `jti` of what has the form of our own access token: type, algorithm, a published key, the issuer. The signature is
   * not looked at, so nothing may be believed before the value is recognised by its digest.
   */
  tokenIdOf(token: string): Promise<string | undefined>;
  /** The claims of our own, correctly signed access token, expired ones too; undefined for anything else. */
  verify(token: string): Promise<Record<string, unknown> | undefined>;
}

export interface Committer {
  /**
   * Resolves after the commit.
   * @throws DomainError the `miss` of the first guard or change that did not hold; nothing is written then.
   */
  commit(unit: UnitOfWork): Promise<void>;
}

/** Everything that a use case may ask of the store. */
export interface Store extends Committer {
  readonly tasks: TaskReads;
  readonly tokens: TokenReads;
  readonly ledger: LedgerReads;
  readonly agents: AgentReads;
  readonly users: UserReads;
  readonly resourceServers: ResourceServerReads;
  readonly roles: RoleReads;
  readonly permissions: PermissionReads;
  readonly registry: Registry;
  readonly audit: AuditReads;
  readonly webhooks: WebhookReads;
  readonly artifacts: Artifacts;
  readonly apiKeys: ApiKeyReads;
  readonly idempotency: IdempotencyReads;
  readonly eventReceivers: EventReceivers;
  readonly statusLists: StatusLists;
  counts(now: number): Promise<Counts>;
}
