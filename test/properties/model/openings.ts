import type { Holding, ModelAgent, ModelConsent, ModelToken } from './nouns.ts';
import {
  type Ask,
  aboveCeiling,
  type Complaint,
  complaints,
  emptyHanded,
  inherited,
  least,
  notActive,
  offered,
  parentState,
  sameProcess,
  signedOut,
  unknownAudience,
  wider,
  type World,
} from './rules.ts';

/** How a new task may go on. */
export interface Terms {
  readonly depth: number;
  readonly maxDepth: number;
  readonly maxChildren: number;
  readonly delegates: readonly string[];
  readonly secret: string | null;
  readonly key: string | null;
  readonly leaf: boolean;
  readonly expiresAt: number;
}

/** What the model says to a request: all rules that it breaks, and what it gets when there are none. */
export interface Verdict {
  readonly complaints: readonly Complaint[];
  readonly holding: Holding;
  readonly terms?: Terms;
}

function until({ limits, now }: World, agent: ModelAgent, ask: Ask): number {
  const seconds = least(
    ask.expiresIn ?? limits.taskDefaultSeconds,
    limits.taskMaxSeconds,
    agent.maxTaskSeconds,
  );
  return now + seconds * 1000;
}

export function opens(world: World, agent: ModelAgent, ask: Ask): Verdict {
  const audiences = ask.audiences ?? [world.defaultAudience];
  const unbound = ask.challenge === undefined && ask.key === undefined;
  const leaf = unbound && agent.waived;
  const depth = leaf ? 0 : least(world.limits.maxDepth, agent.maxDepth, 16);
  const children = leaf ? 0 : least(world.limits.maxChildren, agent.maxChildren);
  const end = until(world, agent, ask);
  return {
    complaints: [
      ...notActive(agent),
      ...unknownAudience(world, audiences),
      ...aboveCeiling(agent, { ...ask, audiences }),
      ...complaints(
        [!offered(world, audiences, ask.scope ?? []), 'scope_exceeds_ceiling'],
        [unbound && !agent.waived, 'challenge_required'],
        [ask.verifier !== undefined, 'challenge_required'],
        [!leaf && (ask.maxDepth ?? 0) > depth, 'max_depth_exceeded'],
        [!leaf && (ask.maxChildren ?? 0) > children, 'fanout_exceeded'],
      ),
    ],
    holding: {
      scope: ask.scope ?? agent.defaultScope.filter((right) => offered(world, audiences, [right])),
      audiences,
      tools: ask.tools ?? agent.tools,
      resources: ask.resources ?? agent.resources,
    },
    terms: {
      depth: 0,
      maxDepth: leaf ? 0 : (ask.maxDepth ?? depth),
      maxChildren: leaf ? 0 : (ask.maxChildren ?? children),
      delegates: ask.delegates ?? [],
      secret: ask.challenge ?? null,
      key: ask.key ?? null,
      leaf,
      expiresAt: leaf ? Math.min(end, world.now + world.limits.accessTokenSeconds * 1000) : end,
    },
  };
}

/** A child below `parent`. `proven`: the proof was given earlier, at the pushed authorization request. */
export function derives(
  world: World,
  agent: ModelAgent,
  ask: Ask,
  parent: ModelToken,
  proven = false,
): Verdict {
  const { task } = parent;
  const { limits, now } = world;
  const own = task.agent === agent;
  const permitted =
    parent.kind === 'handoff' ? parent.delegateTo === agent : own || task.delegates.includes(agent.id);
  const holding = inherited(parent, agent, ask);
  const depth = least(task.maxDepth - 1, agent.maxDepth);
  const children = least(limits.maxChildren, task.maxChildren, agent.maxChildren);
  const audience = audienceBelow(parent, holding);
  return {
    complaints: [
      ...notActive(agent),
      ...parentState(parent, now),
      ...unknownAudience(world, ask.audiences ?? []),
      ...complaints(
        [task.leaf, 'leaf_task'],
        [task.maxDepth <= 0 || task.depth >= 16, 'max_depth_exceeded'],
        [task.children >= task.maxChildren, 'fanout_exceeded'],
        [!permitted, 'actor_not_permitted'],
        [ask.parentTaskId !== undefined && ask.parentTaskId !== task.id, 'parent_mismatch'],
        [parent.key !== null && parent.key !== ask.key, 'key_mismatch'],
        [task.key !== null && ask.key === undefined, 'key_mismatch'],
        [!own && ask.challenge === undefined && ask.key === undefined, 'challenge_required'],
        [(ask.maxDepth ?? 0) > depth, 'max_depth_exceeded'],
        [(ask.maxChildren ?? 0) > children, 'fanout_exceeded'],
        [!(ask.delegates ?? []).every((one) => task.delegates.includes(one)), 'details_not_subset'],
        [!proven && !offered(world, ask.audiences ?? [audience], ask.scope ?? []), 'scope_exceeds_ceiling'],
      ),
      ...(own ? sameProcess({ ...task, secret: proven ? null : task.secret }, ask) : []),
      ...aboveCeiling(agent, ask),
      ...wider(parent, ask),
      ...emptyHanded(parent, ask, holding),
    ],
    holding,
    terms: {
      depth: task.depth + 1,
      maxDepth: ask.maxDepth ?? depth,
      maxChildren: ask.maxChildren ?? children,
      delegates: ask.delegates ?? [],
      secret: ask.challenge ?? (own ? task.secret : null),
      key: ask.key ?? null,
      leaf: false,
      expiresAt: least(until(world, agent, ask), task.expiresAt),
    },
  };
}

/** Where no refresh and no re-issue is possible, the task ends with its first token. */
export function endingWithToken({ now, limits }: World, verdict: Verdict): Verdict {
  const { terms } = verdict;
  if (!terms) return verdict;
  return {
    ...verdict,
    terms: { ...terms, expiresAt: least(terms.expiresAt, now + limits.accessTokenSeconds * 1000) },
  };
}

/** `aud` of a child: the parent's own while the child may use it, else the first that it may. */
export function audienceBelow(parent: ModelToken, { audiences }: Holding): string {
  const kept = parent.audience !== null && audiences.includes(parent.audience);
  return kept && parent.audience !== null ? parent.audience : (audiences[0] ?? '');
}

/** A consent as it was given: below a parent it follows the rules for any child. */
export function redeems(world: World, consent: ModelConsent, ask: Ask): Verdict {
  const { agent, parent } = consent;
  const request = { ...ask, ...pick(consent), challenge: consent.secret };
  const below = parent ? derives(world, agent, request, parent, true) : undefined;
  const depth = least(world.limits.maxDepth, agent.maxDepth, 16);
  const children = least(world.limits.maxChildren, agent.maxChildren);
  const longest = agent.refreshes ? world.limits.codeTaskSeconds : world.limits.accessTokenSeconds;
  const seconds = least(ask.expiresIn ?? longest, longest, world.limits.taskMaxSeconds, agent.maxTaskSeconds);
  const expiresAt = least(world.now + seconds * 1000, parent?.task.expiresAt ?? null);
  return {
    complaints: [
      ...notActive(agent),
      ...signedOut(consent),
      ...complaints(
        [parent !== null && parent.task.subject !== consent.user, 'subject_mismatch'],
        [!parent && (ask.maxDepth ?? 0) > depth, 'max_depth_exceeded'],
        [!parent && (ask.maxChildren ?? 0) > children, 'fanout_exceeded'],
        [!offered(world, consent.audiences, consent.scope), 'scope_exceeds_ceiling'],
      ),
      ...(below?.complaints ?? aboveCeiling(agent, pick(consent))),
    ],
    holding: below?.holding ?? pick(consent),
    terms: {
      depth: below?.terms?.depth ?? 0,
      maxDepth: below?.terms?.maxDepth ?? ask.maxDepth ?? depth,
      maxChildren: below?.terms?.maxChildren ?? ask.maxChildren ?? children,
      delegates: ask.delegates ?? [],
      secret: consent.secret,
      key: ask.key ?? null,
      leaf: false,
      expiresAt,
    },
  };
}

function pick({ scope, audiences, tools, resources }: Holding): Holding {
  return { scope, audiences, tools, resources };
}
