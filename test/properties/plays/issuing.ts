import { askFor, ceilingOf, keyFor, newSecret, parentTaskIdFor, proofFor, taskIdFor } from '../asking.ts';
import { modelToken } from '../compare.ts';
import { handsOff, joins, refreshes } from '../model/continuations.ts';
import type { ModelAgent, ModelTask, ModelToken } from '../model/nouns.ts';
import { audienceBelow, endingWithToken, derives, opens } from '../model/openings.ts';
import { type Ask, complaints } from '../model/rules.ts';
import type { Operation } from '../operations.ts';
import { choose, chooseToken, isNearItsEnd, type Scene, worldOf } from '../scene.ts';
import { keepTask, keepToken, settle, type Told } from './outcome.ts';

export async function open(scene: Scene, operation: Operation): Told {
  const agent = choose(
    operation.rightClient ? scene.agents : [...scene.agents, ...scene.gone],
    operation.who,
  );
  if (!agent) return undefined;
  const ask: Ask = {
    ...askFor(scene, operation, ceilingOf(scene, agent)),
    taskId: taskIdFor(scene, operation),
    key: keyFor(scene, operation.key, null),
    challenge: operation.challenge ? newSecret(scene) : undefined,
  };
  const known = scene.tasks.get(ask.taskId ?? '');
  if (known) return joinAs(scene, agent, ask, known, undefined);
  const verdict = opens(worldOf(scene), agent, ask);
  const granted = settle(scene, verdict, await scene.door.request(agent, ask), `${agent.name} opens`);
  if (!granted) return [];
  keepTask(scene, granted, verdict, {
    agent,
    agentEpoch: agent.epoch,
    subject: agent,
    subjectEpoch: agent.epoch,
    forUser: false,
    door: 'client_credentials',
    parent: null,
    audience: verdict.holding.audiences[0],
  });
  return ['task_opened', 'token_issued'];
}

export async function derive(scene: Scene, operation: Operation): Told {
  const parent = chooseToken(
    scene,
    operation.mask % 20 === 0 ? ['refresh', 'handoff'] : ['access'],
    operation,
  );
  return parent && deriveBelow(scene, operation, parent);
}

export async function redeem(scene: Scene, operation: Operation): Told {
  const parent = chooseToken(scene, ['handoff'], operation);
  return parent && deriveBelow(scene, operation, parent);
}

async function deriveBelow(scene: Scene, operation: Operation, parent: ModelToken): Told {
  const { task } = parent;
  const agent = operation.rightClient
    ? permitted(scene, operation, parent)
    : choose(scene.agents, operation.who);
  if (!agent) return undefined;
  const own = agent === task.agent;
  const ask: Ask = {
    ...askFor(scene, operation, { ...parent, delegates: task.delegates }),
    taskId: taskIdFor(scene, operation),
    parentTaskId: parentTaskIdFor(scene, operation, task.id),
    ...(own ? proofFor(scene, operation, task) : { key: keyFor(scene, operation.key, null) }),
    challenge: (own ? operation.mask % 4 === 0 : operation.challenge) ? newSecret(scene) : undefined,
  };
  const known = scene.tasks.get(ask.taskId ?? '');
  const exchanging = operation.flag;
  if (known && !exchanging) return joinAs(scene, agent, ask, known, parent);
  const lasting = derives(worldOf(scene), agent, ask, parent);
  const continued = agent.refreshes || (!exchanging && !task.forUser);
  const verdict = continued ? lasting : endingWithToken(worldOf(scene), lasting);
  const taken = complaints([known !== undefined, 'task_id_taken']);
  const all = { ...verdict, complaints: [...verdict.complaints, ...taken] };
  const outcome = exchanging
    ? await scene.door.exchange(agent, ask, parent)
    : await scene.door.request(agent, ask, parent);
  const story = `${agent.name} derives below ${parent.kind} token ${parent.id?.slice(0, 6)}`;
  const granted = settle(scene, all, outcome, story);
  if (!granted) return [];
  const child = keepTask(scene, granted, verdict, {
    agent,
    agentEpoch: agent.epoch,
    subject: task.subject,
    subjectEpoch: task.subjectEpoch,
    forUser: task.forUser,
    door: exchanging ? 'token_exchange' : 'client_credentials',
    parent,
    audience: audienceBelow(parent, verdict.holding),
  });
  task.children += 1;
  if (parent.kind === 'handoff') parent.used = { at: scene.door.now(), as: child };
  return ['task_derived', exchanging ? 'token_exchanged' : 'token_issued'];
}

/** The client that may derive below the token: its owner, one of its delegates, or the one it was made for. */
function permitted(scene: Scene, { who }: Operation, { kind, task, delegateTo }: ModelToken) {
  if (kind === 'handoff') return delegateTo ?? undefined;
  const delegates = scene.agents.filter(({ id }) => task.delegates.includes(id));
  return who % 2 === 0 ? task.agent : (choose(delegates, who) ?? task.agent);
}

export async function handOff(scene: Scene, operation: Operation): Told {
  const parent = chooseToken(
    scene,
    operation.mask % 20 === 0 ? ['handoff'] : ['access'],
    operation,
    ({ task }) => (operation.lively ? task.delegates.length > 0 && task.maxDepth > 0 : true),
  );
  const agent = operation.rightClient ? parent?.task.agent : choose(scene.agents, operation.who);
  const to = choose(
    operation.mask % 9 === 0 ? scene.agents.map(({ id }) => id) : (parent?.task.delegates ?? []),
    operation.who,
  );
  if (!parent || !agent || to === undefined) return undefined;
  const whole = askFor(scene, operation, { ...parent, delegates: parent.task.delegates });
  const { delegates: _, maxDepth: _depth, maxChildren: _children, expiresIn: _seconds, ...narrowing } = whole;
  const ask: Ask = {
    ...(operation.mask % 10 === 0 ? whole : narrowing),
    parentTaskId: parentTaskIdFor(scene, operation, parent.task.id),
    ...proofFor(scene, operation, parent.task),
  };
  const verdict = handsOff(worldOf(scene), agent, ask, parent, to);
  const outcome = await scene.door.handOff(agent, ask, parent, to);
  const granted = settle(scene, verdict, outcome, `${agent.name} hands token ${parent.id?.slice(0, 6)} off`);
  if (!granted) return [];
  const seconds = scene.door.limits.handOffSeconds;
  const delegateTo = [...scene.agents, ...scene.gone].find(({ id }) => id === to) ?? null;
  const rest = { kind: 'handoff' as const, audience: null, key: null, madeFrom: parent, delegateTo };
  keepToken(scene, parent.task, { granted, holding: verdict.holding, seconds, ...rest });
  return ['token_handed_off'];
}

export async function join(scene: Scene, operation: Operation): Told {
  const tasks = [...scene.tasks.values()].filter(
    (one) =>
      !isNearItsEnd(scene.door, one) &&
      (!operation.lively || (one.door === 'client_credentials' && !one.forUser)),
  );
  const task = choose(tasks.slice(-30), operation.target);
  const agent = operation.rightClient ? task?.agent : choose(scene.agents, operation.who);
  if (!task || !agent) return undefined;
  const other = chooseToken(scene, ['access', 'handoff'], operation, (one) => one.task === task.parent?.task);
  const parent = operation.flag ? (other ?? task.parent ?? undefined) : undefined;
  const {
    delegates: _,
    maxDepth,
    maxChildren,
    ...ask
  } = askFor(scene, operation, { ...task, delegates: [] });
  return joinAs(
    scene,
    agent,
    {
      ...ask,
      taskId: task.id,
      maxDepth: maxDepth === undefined ? undefined : task.maxDepth + (maxDepth % 2),
      maxChildren: maxChildren === undefined ? undefined : task.maxChildren,
      parentTaskId: parentTaskIdFor(scene, operation, task.parent?.task.id),
      ...proofFor(scene, operation, task),
      challenge: operation.challenge ? undefined : newSecret(scene),
    },
    task,
    parent,
  );
}

async function joinAs(
  scene: Scene,
  agent: ModelAgent,
  ask: Ask,
  task: ModelTask,
  parent: ModelToken | undefined,
): Told {
  const verdict = joins(worldOf(scene), agent, ask, task, parent);
  const outcome = await scene.door.request(agent, ask, parent);
  const granted = settle(
    scene,
    verdict,
    outcome,
    `${agent.name} asks for another token of ${task.id.slice(0, 8)}`,
  );
  if (!granted) return [];
  const { holding } = verdict;
  const seconds = scene.door.limits.accessTokenSeconds;
  keepToken(scene, task, {
    granted,
    holding,
    seconds,
    kind: 'access',
    audience: holding.audiences[0] ?? null,
  });
  return ['task_joined', 'token_issued'];
}

export async function refresh(scene: Scene, operation: Operation): Told {
  const { door } = scene;
  const kinds: ModelToken['kind'][] = operation.mask % 25 === 0 ? ['access'] : ['refresh'];
  const token = chooseToken(scene, kinds, operation);
  const agent = operation.rightClient ? token?.task.agent : choose(scene.agents, operation.who);
  if (!token || !agent || isNearGrace(scene, token)) return undefined;
  const { scope, tools, resources, audiences } = askFor(scene, operation, { ...token, delegates: [] });
  const details = door.refreshTakesDetails ? { tools, resources } : {};
  const ask: Ask = { scope, audiences, ...details, ...proofFor(scene, operation, token.task) };
  const { before, late, verdict } = refreshes(worldOf(scene), agent, ask, token);
  const expected = late ? ['grant_replayed'] : [...before, ...verdict.complaints];
  const outcome = await door.refresh(agent, ask, token);
  const granted = settle(
    scene,
    { ...verdict, complaints: expected },
    outcome,
    `${agent.name} refreshes with ${token.id?.slice(0, 6) ?? 'a token'}${token.used ? ' again' : ''}`,
  );
  if (late) token.task.grant.ended = true;
  if (!granted) return late ? ['token_replayed'] : [];
  const { task, key } = token;
  const { holding } = verdict;
  const seconds = door.limits.accessTokenSeconds;
  const audience = holding.audiences[0] ?? null;
  keepToken(scene, task, { granted, holding, seconds, kind: 'access', audience, key });
  scene.tokens.push(
    modelToken(task, token, {
      kind: 'refresh',
      value: granted.refresh?.value ?? '',
      expiresAt:
        granted.refresh?.expiresAt ??
        Math.min(door.now() + door.limits.refreshTokenSeconds * 1000, task.expiresAt),
      key,
    }),
  );
  token.used ??= { at: door.now(), as: null };
  return ['token_refreshed'];
}

/** Where time goes on by itself nobody can say on which side of the end of the grace time a request arrives. */
function isNearGrace({ door }: Scene, { used }: ModelToken): boolean {
  if (used === null || door.tolerance === 0) return false;
  return Math.abs(used.at + door.limits.refreshGraceSeconds * 1000 - door.now()) < door.tolerance * 2;
}
