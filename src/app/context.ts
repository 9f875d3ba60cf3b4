import type { Catalogue } from '../domain/catalogue.ts';
import type { Policy } from '../domain/policy/policy.ts';
import type { ServerLimits } from '../domain/task-request.ts';
import type { DecisionPoint } from './ports/decision-point.ts';
import type { StatementSigner } from './ports/statements.ts';
import type { StatusIndexes } from './ports/status-lists.ts';
import type { WebhookSecrets, WebhookTargets } from './ports/webhooks.ts';
import type { AccessTokenSigner, Clock, Digests, Ids, Logger, Passwords, Store } from './ports.ts';

/** Settings that use cases need; the composition root fills it from the configuration. */
export interface AppSettings {
  readonly issuer: string;
  readonly limits: ServerLimits;
  /** Audience of requests that name none. */
  readonly defaultAudience: string;
  /** Audience of the server's own administration API; no other resource server may own it (R13). */
  readonly adminAudience: string;
  /** What decides about everything that is issued, in order. */
  readonly policies: readonly Policy[];
  /** What an anonymous registration is granted at most. */
  readonly defaultPermissions: readonly string[];
  /** Tools and resources that an anonymous registration may name for itself; `*` = any. */
  readonly defaultTools: readonly string[];
  readonly defaultResources: readonly string[];
  /** Permissions that are known without an administrator's doing: built in, and of the configuration. */
  readonly catalogue: Catalogue;
  readonly registration: 'open' | 'token' | 'closed';
  readonly registrationTokenSeconds: number;
  /** How long a replaced client secret still works. */
  readonly secretOverlapSeconds: number;
  readonly webhooks: {
    /** Webhooks that an agent may have of its own. */
    readonly perAgent: number;
    /** How long a replaced secret goes on signing. */
    readonly secretOverlapSeconds: number;
  };
}

/** What every use case is built from. */
export interface AppContext {
  readonly store: Store;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly digests: Digests;
  readonly passwords: Passwords;
  readonly signer: AccessTokenSigner;
  /** For what the server says about tokens. */
  readonly statements: StatementSigner;
  /** Places in status lists for JWTs; absent where there are none. */
  readonly statusIndexes?: StatusIndexes | undefined;
  readonly decisionPoint: DecisionPoint;
  /** What is known of webhooks outside the store: their secrets, and where they may be. */
  readonly webhooks: { readonly secrets: WebhookSecrets; readonly targets: WebhookTargets };
  readonly settings: AppSettings;
  readonly log: Logger;
}
