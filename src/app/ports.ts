import type { Agent, AgentKind, AgentState } from '../domain/agent.ts';
import type { AuditEvent, AuditEventType, AuditOutcome } from '../domain/audit-event.ts';
import type { RatePolicy, RateVerdict } from '../domain/rate-limit.ts';
import type { ResourceServer } from '../domain/resource-server.ts';
import type { Dependency, Revocation } from '../domain/revocation.ts';
import type { Task } from '../domain/task.ts';
import type { TaskToken } from '../domain/task-token.ts';
import type { User } from '../domain/user.ts';
import type { Artifact } from './artifact.ts';
import type { ApiKeyReads } from './ports/api-keys.ts';
import type { EventReceivers } from './ports/event-receivers.ts';
import type { Page, Paged, Slice, Sliced } from './ports/page.ts';
import type { IdempotencyReads } from './ports/idempotency.ts';
import type { PermissionReads } from './ports/permissions.ts';
import type { RoleReads } from './ports/roles.ts';
import type { StatusLists } from './ports/status-lists.ts';
import type { WebhookReads } from './ports/webhooks.ts';
import type { ClientSecret, UnitOfWork } from './unit-of-work.ts';

export type { Page, Paged, Slice, Sliced } from './ports/page.ts';

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
   * The claims of what has the form of our own access token: type, algorithm, a published key, the issuer. The signature
   * is not looked at, so nothing here may be believed before the value is recognised by its digest.
   */
  claimsOf(token: string): Promise<Record<string, unknown> | undefined>;
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

export interface TaskReads {
  byHandle(handle: string): Promise<Task | undefined>;
  byTaskId(taskId: string): Promise<Task | undefined>;
  byHandles(handles: readonly string[]): Promise<readonly Task[]>;
  /** Direct children, oldest first. */
  children(handle: string, page: Page): Promise<Paged<Task>>;
  /** The task and everything below it, in tree order (each parent before its children). */
  subtree(handle: string, page: Page): Promise<Paged<Task>>;
  /** Newest first. */
  search(filter: TaskFilter, page: Page): Promise<Paged<Task>>;
}

export interface TaskFilter {
  readonly clientId?: string | undefined;
  readonly subject?: string | undefined;
  readonly state?: 'active' | 'completed' | 'failed' | 'revoked' | 'expired' | undefined;
  readonly rootTaskId?: string | undefined;
  readonly now: number;
}

export interface TokenReads {
  byId(tokenId: string): Promise<TaskToken | undefined>;
  /** A token and its task, in one read. */
  withTask(tokenId: string): Promise<{ token: TaskToken; task: Task } | undefined>;
  byDigest(digest: string): Promise<TaskToken | undefined>;
  /** Newest first. `live` and `revoked` are decided with the ledger. */
  search(filter: TokenFilter, page: Page): Promise<Paged<TaskToken>>;
  ofTask(taskHandle: string): Promise<readonly TaskToken[]>;
  /** Unexpired tokens of tasks below; `via` counts only what was derived through that token. Stops at `cap` + 1. */
  countBelow(below: { handle: string; via?: string | undefined }, now: number, cap: number): Promise<number>;
}

export interface TokenFilter {
  readonly clientId?: string | undefined;
  readonly taskId?: string | undefined;
  readonly parentTaskId?: string | undefined;
  readonly subject?: string | undefined;
  readonly revoked?: boolean | undefined;
  readonly valid?: boolean | undefined;
  readonly now: number;
}

/** `at` is milliseconds since the epoch. */
export interface RecordedRevocation extends Revocation {
  readonly at: number;
  readonly reason: string | null;
  readonly actor: string | null;
}

export interface LedgerReads {
  /** Rows for any of the handles: one indexed query. */
  among(dependencies: readonly Dependency[]): Promise<readonly Revocation[]>;
  /**
   * The ledger in its order: the first `limit` rows after the sequence number `after`, and the last number there is, as
   * of one moment. INVARIANT: rows become visible in the order of their numbers (R14), so none before `head` appears
   * later.
   */
  since(after: number, limit: number): Promise<LedgerPage>;
  /** Every row for one handle with when, why and by whom, lowest epoch first. */
  entries(handle: Pick<Revocation, 'kind' | 'handle'>): Promise<readonly RecordedRevocation[]>;
}

/** A row of the ledger with its place. */
export interface LedgerRow extends Revocation {
  readonly seq: number;
  /** When it was revoked, in milliseconds since the epoch. */
  readonly at: number;
}

export interface LedgerPage {
  readonly rows: readonly LedgerRow[];
  /** 0 while nothing was ever revoked. Never goes down: the last row is kept. */
  readonly head: number;
}

export interface AgentReads {
  byId(clientId: string): Promise<Agent | undefined>;
  byRegistrationToken(
    digest: string,
  ): Promise<{ agent: Agent; expiresAt: number; consumedAt: number | null } | undefined>;
  /** An agent and every secret of it, expired ones too, in one read. */
  withSecrets(clientId: string): Promise<{ agent: Agent; secrets: readonly ClientSecret[] } | undefined>;
  /** Digests that are valid now: more than one during a rotation's overlap. */
  secrets(clientId: string, now: number): Promise<readonly ClientSecret[]>;
  /** Newest first, without deleted ones unless asked. */
  search(filter: AgentFilter, page: Page): Promise<Paged<Agent>>;
  /** The same, counted from the newest. */
  slice(filter: AgentFilter, slice: Slice): Promise<Sliced<Agent>>;
}

export interface AgentFilter {
  readonly state?: AgentState | undefined;
  readonly kind?: AgentKind | undefined;
  readonly name?: string | undefined;
  readonly includeDeleted?: boolean | undefined;
}

export interface UserReads {
  byId(userId: string): Promise<User | undefined>;
  byEmail(email: string): Promise<(User & { passwordHash: string }) | undefined>;
  search(page: Page): Promise<Paged<User>>;
  count(): Promise<number>;
}

export interface ResourceServerReads {
  byClientId(clientId: string): Promise<ResourceServer | undefined>;
  byAudience(audience: string): Promise<ResourceServer | undefined>;
  all(): Promise<readonly ResourceServer[]>;
}

/**
 * What is registered, from memory: who may authenticate, what they may be granted, who owns which audience. It may have
 * changed since. INVARIANT: nothing that was decided on it, a refusal included, is told before the version was found
 * current, by a unit of work in its commit (`registry`) or by `isCurrent`.
 */
export interface RegistryView {
  readonly version: number;
  readonly agents: Pick<AgentReads, 'byId' | 'withSecrets'>;
  readonly resourceServers: Pick<ResourceServerReads, 'byClientId' | 'byAudience'>;
}

export interface Registry {
  remembered(): Promise<RegistryView>;
  /** Asks the database, once for all who ask at the same time. */
  isCurrent(version: number): Promise<boolean>;
}

export interface AuditReads {
  /** Newest first, or oldest first for a history. */
  search(filter: AuditFilter, page: Page): Promise<Paged<AuditEvent>>;
  /** The same, counted from the first. */
  slice(filter: AuditFilter, slice: Slice): Promise<Sliced<AuditEvent>>;
}

export interface AuditFilter {
  readonly clientId?: string | undefined;
  readonly userId?: string | undefined;
  readonly tokenId?: string | undefined;
  readonly taskIds?: readonly string[] | undefined;
  readonly type?: AuditEventType | undefined;
  readonly outcome?: AuditOutcome | undefined;
  /** Milliseconds since the epoch, inclusive. */
  readonly from?: number | undefined;
  readonly to?: number | undefined;
  readonly order?: 'newest' | 'oldest' | undefined;
}

export interface Counts {
  readonly agents: Readonly<Record<AgentState, number>>;
  readonly users: number;
  readonly resourceServers: number;
  readonly tasks: Readonly<Record<'active' | 'completed' | 'failed' | 'revoked' | 'expired', number>>;
  readonly tokens: Readonly<Record<'active' | 'expired' | 'revoked', number>>;
  readonly revocations: number;
  readonly auditEvents: number;
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

export interface Artifacts {
  /** Expired ones are found too: the engine tells "expired" from "unknown". */
  find(model: string, id: string): Promise<Artifact | undefined>;
  findByUid(model: string, uid: string): Promise<Artifact | undefined>;
  ofAccount(model: string, accountId: string, page: Page): Promise<Paged<Artifact>>;
  upsert(artifact: Artifact): Promise<void>;
  /** False when the id is taken: replay detection rests on it. */
  insert(artifact: Artifact): Promise<boolean>;
  destroy(model: string, id: string): Promise<void>;
  destroyByGrant(grantId: string): Promise<void>;
}

/** A signing key. The private part is encrypted by the caller. Times are milliseconds since the epoch. */
export interface StoredKey {
  readonly kid: string;
  readonly algorithm: string;
  readonly publicJwk: Readonly<Record<string, unknown>>;
  readonly encryptedPrivateJwk: string;
  readonly createdAt: number;
  /** From when it signs: later than its publication, so that every verifier has seen it. */
  readonly activeFrom: number;
  /** Until when it verifies; null while it is the newest. */
  readonly retiresAt: number | null;
}

export interface KeyStore {
  all(): Promise<readonly StoredKey[]>;
  insert(key: StoredKey): Promise<void>;
  retire(kid: string, at: number): Promise<void>;
  remove(kid: string): Promise<void>;
  /** Nobody else, on any node, is in such a piece of work at the same time; it is kept as a whole or not at all. */
  exclusively<T>(work: (keys: KeyStore) => Promise<T>): Promise<T>;
}

/** Small batches, so that no request waits for it (design, rule 5.7). */
export interface Cleanup {
  /** What is cleaned up, in an order in which no row waits long for another one to go first. */
  readonly tables: readonly string[];
  /**
   * Removes at most `most` rows of a table, those that ended first among the ones that ended at `from` or later
   * (milliseconds since the epoch). Fewer than `most` are removed when no more are left. `upTo`: when the last one ended.
   */
  removeExpired(
    table: string,
    cutoffs: RetentionCutoffs,
    part: { readonly from: number; readonly most: number },
  ): Promise<{ readonly removed: number; readonly upTo: number }>;
}

/** Rows that ended before these times (milliseconds since the epoch) may go. */
export interface RetentionCutoffs {
  readonly now: number;
  readonly tokens: number;
  readonly tasks: number;
  readonly audit: number;
  readonly webhooks: number;
}

/**
 * Counts requests in windows that begin with the first point of a key. `take` never allows more than the limit in one
 * window, whatever the number of nodes. A verdict that is known already comes without waiting.
 */
export interface RateLimiter {
  /** Spends one point, if one is left. */
  take(policy: RatePolicy, key: string): RateVerdict | Promise<RateVerdict>;
  /** The state without spending; what other nodes exhausted is known within 250 ms. */
  look(policy: RatePolicy, key: string): RateVerdict | Promise<RateVerdict>;
  /** Returns one point. */
  giveBack(policy: RatePolicy, key: string): Promise<void>;
  /** The key begins anew. */
  forget(policy: RatePolicy, key: string): Promise<void>;
}

/** Counters that all nodes share; the database's clock decides when a window ends. */
export interface RateCounters {
  /** Takes as many of the wanted points as are left in the window; asked for many keys at once. */
  reserve(wanted: PointsWanted): Promise<PointsReserved>;
  /** Keys of these policies with nothing left, the latest 10,000, each with the milliseconds until it has. */
  exhausted(policies: readonly string[]): Promise<readonly ExhaustedKey[]>;
  giveBack(policy: string, key: string): Promise<void>;
  forget(policy: string, key: string): Promise<void>;
}

export interface PointsWanted {
  readonly policy: RatePolicy;
  readonly key: string;
  /** Read when the question is sent. */
  points(): number;
}

export interface PointsReserved {
  readonly granted: number;
  /** Points of the window that are spent or reserved, by all nodes. */
  readonly used: number;
  readonly leftMs: number;
}

export interface ExhaustedKey {
  readonly policy: string;
  readonly key: string;
  readonly leftMs: number;
}
