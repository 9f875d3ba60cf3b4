import { askFor, ceilingOf, keyFor, newSecret, taskIdFor } from '../asking.ts';
import { type Holding, inCommon, within } from '../model/nouns.ts';
import { redeems } from '../model/openings.ts';
import { complaints } from '../model/rules.ts';
import type { Operation } from '../operations.ts';
import { choose, chooseToken, type Scene, worldOf } from '../scene.ts';
import { keepTask, settle, type Told } from './outcome.ts';

/** A person agrees to part of what the agent may hold, perhaps below a task that acts for a person already. */
export async function giveConsent(scene: Scene, operation: Operation): Told {
  const user = choose(scene.users, operation.who);
  const parent =
    operation.mask % 3 === 0
      ? chooseToken(scene, ['access', 'handoff'], operation, ({ task }) =>
          operation.rightClient ? task.subject === user : task.forUser,
        )
      : undefined;
  const agent = parent && operation.flag ? parent.task.agent : choose(scene.agents, operation.target);
  if (!user || !agent || user.state !== 'active' || agent.state !== 'active') return undefined;
  const ceiling = ceilingOf(scene, agent);
  const held = parent ? { ...ceiling, ...common(parent, ceiling) } : ceiling;
  const wish = askFor(scene, operation, { ...held, delegates: [] });
  const agreed = (own: readonly string[], asked: readonly string[] | undefined) =>
    asked !== undefined && within(own, asked) ? asked : own;
  const audiences = (wish.audiences ?? held.audiences).filter((one) => held.audiences.includes(one));
  if (audiences.length === 0) return undefined;
  scene.consents.push({
    agent,
    agentEpoch: agent.epoch,
    user,
    userEpoch: user.epoch,
    parent: parent ?? null,
    secret: newSecret(scene),
    scope: agreed(held.scope, wish.scope),
    tools: agreed(held.tools, wish.tools),
    resources: agreed(held.resources, wish.resources),
    audiences,
  });
  scene.trace.push(`a person agrees that ${agent.name} acts${parent ? ' below another task' : ''}`);
  return undefined;
}

function common(a: Holding, b: Holding): Holding {
  return {
    scope: inCommon(a.scope, b.scope),
    tools: inCommon(a.tools, b.tools),
    resources: inCommon(a.resources, b.resources),
    audiences: a.audiences.filter((one) => b.audiences.includes(one)),
  };
}

/** The code of an earlier consent is redeemed; much may have happened since. */
export async function authorize(scene: Scene, operation: Operation): Told {
  const consent = choose(scene.consents, operation.target);
  if (!consent) return undefined;
  scene.consents.splice(scene.consents.indexOf(consent), 1);
  const { agent, parent, user } = consent;
  const { delegates, maxDepth, maxChildren, expiresIn } = askFor(scene, operation, {
    ...consent,
    delegates: parent?.task.delegates ?? null,
  });
  const taskId = taskIdFor(scene, operation);
  const key = keyFor(scene, operation.key, parent?.task.key ?? null);
  const ask = { delegates, maxDepth, maxChildren, expiresIn, taskId, key };
  const verdict = redeems(worldOf(scene), consent, ask);
  const taken = complaints([scene.tasks.has(taskId ?? ''), 'task_id_taken']);
  const all = { ...verdict, complaints: [...verdict.complaints, ...taken] };
  const outcome = await scene.door.authorize(consent, ask);
  const granted = settle(scene, all, outcome, `${agent.name} redeems a code${parent ? ' below a task' : ''}`);
  if (!granted) return [];
  const task = keepTask(scene, granted, verdict, {
    agent,
    agentEpoch: agent.epoch,
    subject: user,
    subjectEpoch: user.epoch,
    forUser: true,
    door: 'authorization_code',
    parent,
    audience: verdict.holding.audiences[0],
  });
  if (parent) parent.task.children += 1;
  if (parent?.kind === 'handoff') parent.used = { at: scene.door.now(), as: task };
  return [parent ? 'task_derived' : 'task_opened', 'token_issued'];
}
