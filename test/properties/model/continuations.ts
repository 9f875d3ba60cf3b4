import type { ModelAgent, ModelTask, ModelToken } from './nouns.ts';
import type { Verdict } from './openings.ts';
import {
  type Ask,
  aboveCeiling,
  complaints,
  emptyHanded,
  inactive,
  inherited,
  notActive,
  offered,
  parentState,
  refreshState,
  sameProcess,
  unknownAudience,
  wider,
  type World,
} from './rules.ts';

export function handsOff(world: World, agent: ModelAgent, ask: Ask, parent: ModelToken, to: string): Verdict {
  const { task } = parent;
  const holding = inherited(parent, agent, ask);
  return {
    complaints: [
      ...notActive(agent),
      ...parentState(parent, world.now),
      ...unknownAudience(world, ask.audiences ?? []),
      ...complaints(
        [parent.kind === 'handoff' || task.agent !== agent, 'actor_not_permitted'],
        [!task.delegates.includes(to), 'actor_not_permitted'],
        [hasTerms(ask), 'parameters_conflict'],
        [ask.parentTaskId !== undefined && ask.parentTaskId !== task.id, 'parent_mismatch'],
        [task.leaf, 'leaf_task'],
        [task.maxDepth <= 0, 'max_depth_exceeded'],
        [parent.key !== null && parent.key !== ask.key, 'key_mismatch'],
      ),
      ...sameProcess(task, ask),
      ...aboveCeiling(agent, ask),
      ...wider(parent, ask),
      ...emptyHanded(parent, ask, holding),
    ],
    holding,
  };
}

/** What the delegate sets for its own task is not for the one who hands off to say. */
function hasTerms({ taskId, delegates, maxDepth, maxChildren, expiresIn, challenge }: Ask): boolean {
  return [taskId, delegates, maxDepth, maxChildren, expiresIn, challenge].some((term) => term !== undefined);
}

export function joins(
  world: World,
  agent: ModelAgent,
  ask: Ask,
  task: ModelTask,
  parent: ModelToken | undefined,
): Verdict {
  const kept = inherited(task, agent, ask);
  const { audiences } = kept;
  const fixed =
    (ask.delegates !== undefined && ask.delegates.join(' ') !== task.delegates.join(' ')) ||
    (ask.maxDepth !== undefined && ask.maxDepth !== task.maxDepth) ||
    (ask.maxChildren !== undefined && ask.maxChildren !== task.maxChildren);
  const foreign = task.agent !== agent || task.door !== 'client_credentials' || task.forUser;
  const parentId = task.parent?.task.id;
  return {
    complaints: [
      ...notActive(agent),
      ...complaints([foreign, 'task_id_taken']),
      ...inactive(task, world.now),
      ...complaints(
        [task.leaf, 'leaf_task'],
        [ask.challenge !== undefined, 'challenge_refused'],
        [fixed, 'parameters_conflict'],
        [parent !== undefined && parent.task.id !== parentId, 'parent_mismatch'],
        [ask.parentTaskId !== undefined && ask.parentTaskId !== parentId, 'parent_mismatch'],
      ),
      ...sameProcess(task, ask),
      ...(parent ? parentState(parent, world.now) : []),
      ...unknownAudience(world, audiences),
      ...wider(task, { ...ask, audiences }),
      ...aboveCeiling(agent, ask),
      ...complaints(
        [audiences.length === 0, 'audience_not_subset'],
        [!offered(world, audiences, ask.scope ?? []), 'scope_exceeds_ceiling'],
      ),
    ],
    holding: kept,
  };
}

/** The rules that are checked before a replay is looked at; `late` replays end the family. */
export function refreshes(world: World, agent: ModelAgent, ask: Ask, token: ModelToken) {
  const { task } = token;
  const byCode = task.door === 'authorization_code';
  const before = [
    ...notActive(agent),
    ...refreshState(token, agent, world.now),
    ...(token.kind === 'refresh' && task.agent === agent
      ? sameProcess({ key: byCode ? token.key : task.key, secret: byCode ? null : task.secret }, ask)
      : []),
  ];
  const late = token.used !== null && world.now >= token.used.at + world.limits.refreshGraceSeconds * 1000;
  const kept = inherited(token, agent, ask);
  const verdict: Verdict = {
    complaints: [
      ...unknownAudience(world, ask.audiences ?? []),
      ...wider(token, ask),
      ...aboveCeiling(agent, ask),
      ...complaints([kept.audiences.length === 0, 'audience_not_subset']),
    ],
    holding: kept,
  };
  return { before, late: before.length === 0 && late, verdict };
}
