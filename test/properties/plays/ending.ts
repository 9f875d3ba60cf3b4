import { expect } from '@jest/globals';
import { proofFor } from '../asking.ts';
import type { Ending } from '../door.ts';
import { fateOf, isActive, type ModelTask, type ModelToken, pathTo, within } from '../model/nouns.ts';
import { complaints, sameProcess } from '../model/rules.ts';
import type { Operation } from '../operations.ts';
import { CAST, choose, chooseToken, hire, isNearItsEnd, type Scene } from '../scene.ts';
import type { Told } from './outcome.ts';

export async function revokeToken(scene: Scene, operation: Operation): Told {
  // A used hand-off token stands for what was derived with it, which makes it worth revoking.
  const used = chooseToken(scene, ['handoff'], { ...operation, lively: false }, (one) => one.used !== null);
  const any = chooseToken(scene, ['access', 'refresh', 'handoff'], operation);
  const token = (operation.mask % 5 === 0 ? used : undefined) ?? any;
  if (!token) return undefined;
  const path = pathTo(token.task);
  const agent = operation.rightClient
    ? choose(path, operation.who)?.agent
    : choose(scene.agents, operation.who);
  if (!agent) return undefined;
  const allowed = agent.state === 'active' && path.some((task) => task.agent === agent);
  const withChildren = operation.flag;
  const done = await scene.door.revoke(agent, token, withChildren);
  scene.trace.push(
    `${agent.name} revokes ${token.kind} token ${token.id?.slice(0, 6)}${withChildren ? '' : ' alone'}: ${done}`,
  );
  expect(done).toBe(allowed);
  if (!allowed) return [];
  if (withChildren) endWithChildren(token);
  else token.endedAlone = true;
  return ['token_revoked'];
}

function endWithChildren(token: ModelToken): void {
  token.ended = true;
  if (token.kind === 'refresh') token.task.grant.ended = true;
  if (token.kind === 'handoff' && token.used?.as) token.used.as.ended = true;
}

const ENDINGS: readonly Ending[] = ['completed', 'failed', 'revoked'];

export async function endTask(scene: Scene, operation: Operation): Told {
  const { door } = scene;
  const tasks = [...scene.tasks.values()].filter(
    (task) => !isNearItsEnd(door, task) && (!operation.lively || isActive(task, door.now())),
  );
  const task = choose(tasks.slice(-20), operation.target);
  const near = task && pathTo(task);
  const bearer = chooseToken(scene, ['access'], operation, (token) =>
    operation.rightClient
      ? token.task === task || (operation.flag && near?.includes(token.task) === true)
      : true,
  );
  const as = choose(ENDINGS, operation.who);
  if (!task || !bearer || !as || bearer.key !== null) return undefined;
  const ask = proofFor(scene, operation, task);
  const expected = refusalsOf(scene, bearer, task, as, ask);
  const refused = await door.end(bearer, task.id, as, ask);
  scene.trace.push(
    `task ${task.id.slice(0, 8)} is ${as} with token ${bearer.id?.slice(0, 6)}: ${refused ?? 'done'}`,
  );
  if (refused === undefined) expect(expected).toEqual([]);
  else if (door.tolerance === 0) expect(expected).toContain(refused);
  else expect(expected).not.toEqual([]);
  if (refused !== undefined) return [];
  task.ended = true;
  return [`task_${as}`];
}

function refusalsOf(
  { door }: Scene,
  bearer: ModelToken,
  task: ModelTask,
  as: Ending,
  ask: ReturnType<typeof proofFor>,
): readonly string[] {
  if (fateOf(bearer, door.now()) !== 'live') return ['bearer'];
  if (!pathTo(task).includes(bearer.task)) return ['not_found'];
  if (as === 'revoked') return [];
  if (bearer.task !== task) return ['forbidden'];
  const active = complaints([!isActive(task, door.now()), 'task_not_active']);
  return [...active, ...(task.door === 'authorization_code' ? [] : sameProcess(task, ask))];
}

export async function withdrawConsent(scene: Scene, { target }: Operation): Told {
  const tasks = [...scene.tasks.values()].filter(({ door }) => door === 'authorization_code');
  const task = choose(tasks.slice(-10), target);
  if (!task || task.grant.id === '') return undefined;
  await scene.door.withdraw(task.grant.id);
  scene.trace.push(`the consent to task ${task.id.slice(0, 8)} is withdrawn`);
  task.grant.ended = true;
  return ['consent_revoked'];
}

type AgentChange = 'suspended' | 'active' | 'deleted';

const AGENT_EVENT = {
  suspended: 'agent_suspended',
  active: 'agent_reactivated',
  deleted: 'agent_deleted',
} as const;

export async function changeAgent(scene: Scene, { target }: Operation, to: AgentChange): Told {
  const from = to === 'active' ? 'suspended' : 'active';
  const agent = choose(
    scene.agents.filter(({ state }) => state === from),
    target,
  );
  if (!agent) return undefined;
  await scene.door.changeAgent(agent, to);
  scene.trace.push(`${agent.name} is ${to}`);
  const told = scene.door.told();
  agent.state = to;
  if (to !== 'active') agent.epoch += 1;
  if (to === 'deleted') await replace(scene, agent.name);
  expect(told ?? [AGENT_EVENT[to]]).toEqual([AGENT_EVENT[to]]);
  return undefined;
}

/** A deleted agent never comes back; another one of its kind takes its place. */
async function replace(scene: Scene, name: string): Promise<void> {
  const at = scene.agents.findIndex((agent) => agent.name === name);
  scene.gone.push(...scene.agents.splice(at, 1));
  const spec = CAST.find((one) => one.name === name);
  if (spec) await hire(scene, spec);
}

export async function cutRights(scene: Scene, { target, mask }: Operation): Told {
  const agent = choose(scene.agents, target);
  const spec = CAST.find(({ name }) => name === agent?.name);
  if (!agent || !spec) return undefined;
  const permissions =
    choose([spec.permissions, ['reports:read'], ['mail:send', 'reports:*'], []], mask) ?? [];
  const changed = permissions.join(' ') !== agent.permissions.join(' ');
  agent.permissions = permissions;
  agent.defaultScope = spec.defaultScope.filter((right) => within(permissions, [right]));
  await scene.door.cutRights(agent);
  scene.trace.push(`${agent.name} may hold ${permissions.join(' ') || 'nothing'}`);
  return changed ? ['agent_updated', 'agent_permissions_changed'] : ['agent_updated'];
}

type UserChange = 'disabled' | 'active' | 'signed_out';

const USER_EVENT = {
  disabled: 'user_disabled',
  active: 'user_enabled',
  signed_out: 'user_signed_out',
} as const;

export async function changeUser(scene: Scene, { target }: Operation, to: UserChange): Told {
  const user = choose(
    scene.users.filter(({ state }) => (state === 'active') !== (to === 'active')),
    target,
  );
  if (!user) return undefined;
  await scene.door.changeUser(user.id, to);
  scene.trace.push(`a person is ${to}`);
  if (to !== 'signed_out') user.state = to;
  if (to !== 'active') user.epoch += 1;
  return [USER_EVENT[to]];
}
