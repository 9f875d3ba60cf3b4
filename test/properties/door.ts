import type { Fate, Holding, ModelAgent, ModelConsent, ModelToken } from './model/nouns.ts';
import type { Ask, Limits } from './model/rules.ts';

/** What a request that was granted answers. Times are milliseconds since the epoch. */
export interface Granted {
  readonly taskId: string;
  readonly parentTaskId: string | null;
  /** The token_id that the task was derived through. */
  readonly via: string | null;
  readonly grant: string | undefined;
  readonly access: { readonly value: string; readonly id: string; readonly expiresAt: number };
  readonly refresh: { readonly value: string; readonly expiresAt: number | undefined } | undefined;
  readonly audience: string | undefined;
  readonly holding: Holding;
  readonly depth: number;
  readonly maxDepth: number;
  readonly maxChildren: number;
  readonly delegates: readonly string[];
  readonly bound: { readonly verifier: boolean; readonly key: boolean };
  readonly expiresAt: number;
}

export type Outcome = { readonly granted: Granted } | { readonly refused: string };

/** What an agent of the model is made from. */
export type AgentSpec = Omit<ModelAgent, 'id' | 'epoch' | 'state'>;

export type Ending = 'completed' | 'failed' | 'revoked';

/** The ways into the system under test. */
export interface Door {
  readonly limits: Limits;
  readonly audiences: ReadonlyMap<string, readonly string[] | null>;
  readonly defaultAudience: string;
  /** How far times may differ: 0 where the clock stands still, in milliseconds. */
  readonly tolerance: number;
  /** Whether requests can prove keys here. */
  readonly keys: boolean;
  /** Whether a refresh may name tools and resources here. */
  readonly refreshTakesDetails: boolean;
  now(): number;
  wait(seconds: number): void;
  hire(spec: AgentSpec): Promise<string>;
  enrol(): Promise<string>;
  /** client_credentials: a root, a child of `parent`, or another token of `ask.taskId`. */
  request(by: ModelAgent, ask: Ask, parent?: ModelToken): Promise<Outcome>;
  exchange(by: ModelAgent, ask: Ask, parent: ModelToken): Promise<Outcome>;
  handOff(by: ModelAgent, ask: Ask, parent: ModelToken, to: string): Promise<Outcome>;
  refresh(by: ModelAgent, ask: Ask, token: ModelToken): Promise<Outcome>;
  authorize(consent: ModelConsent, ask: Ask): Promise<Outcome>;
  /** False when the caller may not revoke it. */
  revoke(by: ModelAgent, token: ModelToken, withChildren: boolean): Promise<boolean>;
  /** Undefined when it was done, else why it was refused. */
  end(bearer: ModelToken, taskId: string, as: Ending, ask: Ask): Promise<string | undefined>;
  withdraw(grant: string): Promise<void>;
  changeAgent(agent: ModelAgent, to: 'suspended' | 'active' | 'deleted'): Promise<void>;
  /** Grants the agent what the model says it may hold from now on. */
  cutRights(agent: ModelAgent): Promise<void>;
  changeUser(userId: string, to: 'disabled' | 'active' | 'signed_out'): Promise<void>;
  /** What becomes of the presented token now; `dead` where the door does not say why. */
  fateOf(token: ModelToken): Promise<Fate | 'dead'>;
  /** Types of the audit events of the last call, in order; undefined where the door cannot tell. */
  told(): readonly string[] | undefined;
  /** Checks that hold of everything stored, whatever happened. */
  inspect(told: ReadonlyMap<string, number>): Promise<void>;
  close(): Promise<void>;
}
