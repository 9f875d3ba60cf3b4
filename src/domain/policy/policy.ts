import type { Tier } from '../agent.ts';
import type { Authority } from '../task.ts';

/** Where something is issued, or asked for before a person is (`authorize`). */
export const POLICY_STEPS = ['open', 'derive', 'join', 'refresh', 'authorize', 'redeem', 'hand_off'] as const;

export type PolicyStep = (typeof POLICY_STEPS)[number];

/** Two clients, `*` = any: `child` derives from what `parent` holds. */
export interface DelegatePair {
  readonly parent: string;
  readonly child: string;
}

/** What a policy decides on: who would get what, at which place of the tree. Times are milliseconds since the epoch. */
export interface PolicyRequest {
  readonly step: PolicyStep;
  readonly clientId: string;
  readonly tier: Tier;
  /** Names of the roles that the agent has. */
  readonly roles: readonly string[];
  readonly subjectKind: 'user' | 'agent';
  /** User id or client id; null before the person has signed in. */
  readonly subject: string | null;
  /** What would be granted. */
  readonly authority: Authority;
  /** Present when one client passes authority on to another. */
  readonly pair: DelegatePair | null;
  /** Of the task; 0 at a root. */
  readonly depth: number;
  /** When the task was opened; `now` for a new one. */
  readonly openedAt: number;
  readonly now: number;
}

/** Whom and what is meant; absent = anybody, anything. All of what is present must apply. */
export interface PolicyMatch {
  readonly steps?: readonly PolicyStep[] | undefined;
  readonly clients?: readonly string[] | undefined;
  readonly tiers?: readonly Tier[] | undefined;
  readonly roles?: readonly string[] | undefined;
  readonly subjects?: readonly ('user' | 'agent')[] | undefined;
  /** Rights, with wildcards. */
  readonly scopes?: readonly string[] | undefined;
  /** Audiences, with wildcards (audience-pattern.ts). */
  readonly audiences?: readonly string[] | undefined;
}

export type Weekday = 'mon' | 'tue' | 'wed' | 'thu' | 'fri' | 'sat' | 'sun';

/** From one time of day to another, `HH:MM`; one that ends before it begins goes on into the next day. */
export interface Hours {
  /** The days on which it begins. */
  readonly weekdays: readonly Weekday[];
  readonly from: string;
  /** Exclusive; `24:00` is the end of the day. */
  readonly to: string;
}

interface Named {
  /** Unique among the policies; what agents and the audit trail are told. */
  readonly name: string;
  /** For people: why there is this policy. */
  readonly reason: string;
  /** Whom and what the policy is about. */
  readonly match: PolicyMatch;
  /** And whom it spares. */
  readonly except?: PolicyMatch | undefined;
}

/** `allow`: these, and nothing else. `deny`: none of these. */
type Effect = { readonly effect: 'allow' | 'deny' };

export type DelegatePairs = Named &
  Effect & {
    readonly kind: 'delegate_pairs';
    /** `allow` lets `child` derive though the parent does not name it; `deny` forbids it though the parent does. */
    readonly pairs: readonly DelegatePair[];
  };

export type AllowedHours = Named &
  Effect & {
    readonly kind: 'allowed_hours';
    /** IANA name. */
    readonly timeZone: string;
    readonly hours: readonly Hours[];
  };

export type AllowedResources = Named &
  Effect & {
    readonly kind: 'allowed_resources';
    readonly audiences?: readonly string[] | undefined;
    readonly resources?: readonly string[] | undefined;
  };

export type ToolLists = Named & Effect & { readonly kind: 'tool_lists'; readonly tools: readonly string[] };

/** The deepest level at which a task may stand; a root stands at 0. */
export type MaxDepth = Named & { readonly kind: 'max_depth'; readonly maxDepth: number };

/** How long a task may live from its opening, in seconds. */
export type MaxLifetime = Named & { readonly kind: 'max_lifetime'; readonly seconds: number };

export type BuiltInPolicy =
  | DelegatePairs
  | AllowedHours
  | AllowedResources
  | ToolLists
  | MaxDepth
  | MaxLifetime;

/** Asks a server of the operator's (decision-point.ts). */
export type DecisionPointPolicy = Named & {
  readonly kind: 'decision_point';
  /** What is asked: `<url>/v1/data/<path>`. */
  readonly endpoint: string;
  /** Milliseconds from the question to the last byte of the answer. */
  readonly timeoutMs: number;
  /** Whether the token of the configuration goes with the question. */
  readonly sendsToken: boolean;
};

export type Policy = BuiltInPolicy | DecisionPointPolicy;
