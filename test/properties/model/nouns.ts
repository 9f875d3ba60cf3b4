/**
 * What the model believes to be true. It is a second, simpler telling of the rules: tasks point at their parents, and
 * every question is answered by walking up. Nothing here uses the code under test.
 */
export interface Holding {
  readonly scope: readonly string[];
  readonly audiences: readonly string[];
  readonly tools: readonly string[];
  readonly resources: readonly string[];
}

export interface ModelAgent {
  readonly id: string;
  readonly name: string;
  epoch: number;
  state: 'active' | 'suspended' | 'deleted';
  permissions: readonly string[];
  defaultScope: readonly string[];
  readonly tools: readonly string[];
  readonly resources: readonly string[];
  readonly audiences: readonly string[] | null;
  readonly maxDepth: number | null;
  readonly maxChildren: number | null;
  readonly maxTaskSeconds: number | null;
  readonly waived: boolean;
  readonly refreshes: boolean;
}

export interface ModelUser {
  readonly id: string;
  epoch: number;
  state: 'active' | 'disabled';
}

/** An authorization or a refresh family: ended as a whole. */
export interface ModelGrant {
  readonly id: string;
  ended: boolean;
}

export interface ModelTask extends Holding {
  readonly id: string;
  readonly agent: ModelAgent;
  readonly agentEpoch: number;
  readonly subject: ModelAgent | ModelUser;
  readonly subjectEpoch: number;
  readonly forUser: boolean;
  readonly door: 'client_credentials' | 'token_exchange' | 'authorization_code';
  readonly grant: ModelGrant;
  readonly parent: ModelToken | null;
  readonly depth: number;
  readonly maxDepth: number;
  readonly maxChildren: number;
  children: number;
  readonly delegates: readonly string[];
  /** The secret that the process keeps, or null when the task is bound to nothing or to a key only. */
  readonly secret: string | null;
  readonly key: string | null;
  readonly leaf: boolean;
  readonly expiresAt: number;
  ended: boolean;
}

export interface ModelToken extends Holding {
  readonly kind: 'access' | 'refresh' | 'handoff';
  readonly value: string;
  readonly id: string | undefined;
  readonly task: ModelTask;
  readonly audience: string | null;
  readonly key: string | null;
  readonly expiresAt: number;
  /** For hand-off tokens: the token that was handed off. */
  readonly madeFrom: ModelToken | null;
  readonly delegateTo: ModelAgent | null;
  used: { readonly at: number; readonly as: ModelTask | null } | null;
  /** Revoked with everything below it. */
  ended: boolean;
  /** Revoked without its children. */
  endedAlone: boolean;
}

/** A person's consent that waits for its code to be redeemed. */
export interface ModelConsent extends Holding {
  readonly agent: ModelAgent;
  readonly agentEpoch: number;
  readonly user: ModelUser;
  readonly userEpoch: number;
  readonly parent: ModelToken | null;
  readonly secret: string;
}

export type Fate = 'live' | 'ended' | 'expired' | 'used';

/** Whether the task was cut off, by itself or by anything above it. Time is another matter. */
function taskEnded(task: ModelTask): boolean {
  if (task.ended || task.grant.ended) return true;
  if (task.agent.epoch !== task.agentEpoch || task.subject.epoch !== task.subjectEpoch) return true;
  return task.parent !== null && (cutOff(task.parent) || taskEnded(task.parent.task));
}

/** Whether what was derived through this token has to end. */
function cutOff(token: ModelToken): boolean {
  return token.ended || (token.madeFrom !== null && cutOff(token.madeFrom));
}

export function fateOf(token: ModelToken, now: number): Fate {
  if (token.endedAlone || cutOff(token) || taskEnded(token.task)) return 'ended';
  if (token.expiresAt <= now || token.task.expiresAt <= now) return 'expired';
  return token.used === null ? 'live' : 'used';
}

export function isActive(task: ModelTask, now: number): boolean {
  return !taskEnded(task) && now < task.expiresAt;
}

/** Tasks from the root down to this one. */
export function pathTo(task: ModelTask): readonly ModelTask[] {
  return task.parent === null ? [task] : [...pathTo(task.parent.task), task];
}

/** Whether one held name permits another: `*` stands for one component. */
function permits(held: string, asked: string): boolean {
  const [have, want] = [held.split(':'), asked.split(':')];
  return have.length === want.length && want.every((part, i) => [part, '*'].includes(have[i] ?? ''));
}

export function within(held: readonly string[], asked: readonly string[] | undefined): boolean {
  return (asked ?? []).every((one) => held.some((own) => permits(own, one)));
}

export function inCommon(a: readonly string[], b: readonly string[]): readonly string[] {
  return [...new Set([...a, ...b])].filter((one) => within(a, [one]) && within(b, [one]));
}
