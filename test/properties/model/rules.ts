import type { Holding, ModelAgent, ModelConsent, ModelTask, ModelToken } from './nouns.ts';
import { fateOf, inCommon, isActive, within } from './nouns.ts';

/** What a client asks for; `undefined` = not named. */
export interface Ask {
  readonly scope?: readonly string[] | undefined;
  readonly tools?: readonly string[] | undefined;
  readonly resources?: readonly string[] | undefined;
  readonly audiences?: readonly string[] | undefined;
  readonly delegates?: readonly string[] | undefined;
  readonly maxDepth?: number | undefined;
  readonly maxChildren?: number | undefined;
  readonly expiresIn?: number | undefined;
  readonly taskId?: string | undefined;
  readonly parentTaskId?: string | undefined;
  /** The secret whose challenge is sent. */
  readonly challenge?: string | undefined;
  /** The secret that is sent as the verifier. */
  readonly verifier?: string | undefined;
  readonly key?: string | undefined;
}

export interface Limits {
  readonly accessTokenSeconds: number;
  readonly refreshTokenSeconds: number;
  readonly handOffSeconds: number;
  readonly taskDefaultSeconds: number;
  readonly taskMaxSeconds: number;
  readonly codeTaskSeconds: number;
  readonly refreshGraceSeconds: number;
  readonly maxDepth: number;
  readonly maxChildren: number;
}

/** The audiences of the world, each with the rights that it knows (`null` = any). */
export type Audiences = ReadonlyMap<string, readonly string[] | null>;

export interface World {
  readonly limits: Limits;
  readonly audiences: Audiences;
  readonly defaultAudience: string;
  readonly tasks: ReadonlyMap<string, ModelTask>;
  readonly now: number;
}

/** Names of rules that a request breaks: as the server names its refusals. */
export type Complaint = string;

export const least = (...values: (number | null)[]) => Math.min(...values.map((value) => value ?? Infinity));

/** Collects the complaints whose condition holds. */
export function complaints(...checks: readonly (readonly [boolean, Complaint])[]): Complaint[] {
  return checks.filter(([broken]) => broken).map(([, complaint]) => complaint);
}

export function aboveCeiling(agent: ModelAgent, ask: Ask): Complaint[] {
  return complaints(
    [!within(agent.permissions, ask.scope), 'scope_exceeds_ceiling'],
    [!within(agent.tools, ask.tools), 'details_exceed_ceiling'],
    [!within(agent.resources, ask.resources), 'details_exceed_ceiling'],
    [!mayUse(agent, ask.audiences ?? []), 'audience_not_subset'],
  );
}

function mayUse(agent: ModelAgent, audiences: readonly string[]): boolean {
  return audiences.every((audience) => agent.audiences === null || agent.audiences.includes(audience));
}

export function wider(held: Holding, ask: Ask): Complaint[] {
  return complaints(
    [!within(held.scope, ask.scope), 'scope_not_subset'],
    [!within(held.tools, ask.tools), 'details_not_subset'],
    [!within(held.resources, ask.resources), 'details_not_subset'],
    [!(ask.audiences ?? []).every((one) => held.audiences.includes(one)), 'audience_not_subset'],
  );
}

export function unknownAudience({ audiences }: World, asked: readonly string[]): Complaint[] {
  return complaints([asked.some((one) => !audiences.has(one)), 'audience_unknown']);
}

export function offered({ audiences }: World, named: readonly string[], scope: readonly string[]): boolean {
  const lists = named.map((one) => audiences.get(one));
  return (
    lists.some((list) => list === null) ||
    within(
      lists.flatMap((list) => list ?? []),
      scope,
    )
  );
}

/** R7: what the process that started the task can prove. */
export function sameProcess(task: Pick<ModelTask, 'secret' | 'key'>, ask: Ask): Complaint[] {
  return complaints(
    [task.key !== null && task.key !== ask.key, 'key_mismatch'],
    [task.secret !== null && task.secret !== ask.verifier, 'verifier_mismatch'],
  );
}

export function notActive(agent: ModelAgent): Complaint[] {
  return complaints([agent.state !== 'active', 'agent_not_active']);
}

export function parentState(parent: ModelToken, now: number): Complaint[] {
  const fate = fateOf(parent, now);
  return complaints(
    [parent.kind === 'refresh', 'parent_invalid'],
    [fate === 'ended' || fate === 'used', 'parent_revoked'],
    [fate === 'expired', 'parent_expired'],
  );
}

/** What a child holds when it names nothing: what the parent and the agent have in common. */
export function inherited(held: Holding, agent: ModelAgent, ask: Ask): Holding {
  return {
    scope: ask.scope ?? inCommon(held.scope, agent.permissions),
    tools: ask.tools ?? inCommon(held.tools, agent.tools),
    resources: ask.resources ?? inCommon(held.resources, agent.resources),
    audiences: ask.audiences ?? held.audiences.filter((one) => mayUse(agent, [one])),
  };
}

/** A child that would inherit nothing is refused; one that asks for nothing is not. */
export function emptyHanded(held: Holding, ask: Ask, result: Holding): Complaint[] {
  const inherits = ask.scope === undefined && held.scope.length > 0;
  return complaints(
    [inherits && result.scope.length === 0, 'scope_exceeds_ceiling'],
    [result.audiences.length === 0, 'audience_not_subset'],
  );
}

export function signedOut({ user, userEpoch, agent, agentEpoch }: ModelConsent): Complaint[] {
  return complaints(
    [user.state !== 'active' || user.epoch !== userEpoch, 'grant_revoked'],
    [agent.epoch !== agentEpoch, 'grant_revoked'],
  );
}

export function refreshState(token: ModelToken, by: ModelAgent, now: number): Complaint[] {
  if (token.kind !== 'refresh' || token.task.agent !== by) return ['grant_invalid'];
  const fate = fateOf(token, now);
  if (fate === 'ended') return ['grant_revoked', 'task_not_active'];
  return fate === 'expired' ? ['grant_expired'] : [];
}

export function inactive(task: ModelTask, now: number): Complaint[] {
  return complaints([!isActive(task, now), 'task_not_active']);
}
