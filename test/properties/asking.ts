import type { Operation, Way } from './operations.ts';
import type { Holding, ModelTask } from './model/nouns.ts';
import type { Ask } from './model/rules.ts';
import { choose, RESOURCES, RIGHTS, type Scene, TOOLS } from './scene.ts';

/** Turns the numbers of an operation into a request against what is `held`. */
export function askFor(
  scene: Scene,
  operation: Operation,
  held: Holding & { readonly delegates: readonly string[] | null },
): Ask {
  const { mask } = operation;
  const agents = scene.agents.map(({ id }) => id);
  const audiences = [...scene.door.audiences.keys(), 'https://unknown.example.com/'];
  const list = (way: Way, own: readonly string[], all: readonly string[], shift: number) =>
    chosen(way, own, all, Math.floor(mask / 2 ** shift));
  const wanted = list(operation.audiences, held.audiences, audiences, 9);
  const scope = list(operation.scope, concrete(held.scope), RIGHTS, 0);
  return {
    // RFC 6749 §3.1: over HTTP a parameter without a value is one that was not sent.
    scope: scope?.length === 0 && scene.door.tolerance > 0 ? undefined : scope,
    tools: list(operation.tools, held.tools, TOOLS, 3),
    resources: list(operation.resources, held.resources, RESOURCES, 6),
    audiences: wanted?.length === 0 ? undefined : wanted,
    delegates: list(operation.delegates, held.delegates ?? agents, agents, 4),
    maxDepth: operation.maxDepth,
    maxChildren: operation.maxChildren,
    expiresIn: operation.expiresIn,
  };
}

/** What an agent may hold, as the thing that a root request is measured against. */
export function ceilingOf(
  scene: Scene,
  agent: { readonly permissions: readonly string[] } & Omit<Holding, 'scope' | 'audiences'> & {
      readonly audiences: readonly string[] | null;
    },
) {
  return {
    scope: agent.permissions,
    tools: agent.tools,
    resources: agent.resources,
    audiences: agent.audiences ?? [...scene.door.audiences.keys()],
    delegates: null,
  };
}

/** `any` asks for one thing of the world beside a part of what is held. */
function chosen(way: Way, own: readonly string[], all: readonly string[], mask: number) {
  if (way === 'unnamed') return undefined;
  const part = own.filter((_, i) => Math.floor(mask / 2 ** i) % 2 === 0);
  return way === 'part' ? part : [...new Set([...part, ...[choose(all, mask)].flatMap((one) => one ?? [])])];
}

/** Beside each wildcard some of the rights that it stands for. */
function concrete(scope: readonly string[]): readonly string[] {
  return [
    ...new Set(scope.flatMap((right) => (right.includes('*') ? [right, ...specific(right)] : [right]))),
  ];
}

function specific(right: string): readonly string[] {
  const [service, action] = right.split(':');
  return service === '*' ? [`reports:${action}`] : [`${service}:read`, `${service}:send`];
}

/** The proof of the process that started `task`, as right as the operation wants it. */
export function proofFor(
  scene: Scene,
  { proof, key }: Operation,
  task: Pick<ModelTask, 'secret' | 'key'>,
): Pick<Ask, 'verifier' | 'key'> {
  const verifier = {
    right: task.secret ?? undefined,
    wrong: 'the-secret-of-quite-another-process-that-knows-nothing',
    none: undefined,
  }[proof];
  return { verifier, key: keyFor(scene, key, task.key) };
}

export function keyFor({ door }: Scene, key: Operation['key'], bound: string | null): string | undefined {
  if (!door.keys || key === 'none') return undefined;
  return key === 'same' ? (bound ?? undefined) : key;
}

/** A secret that no process had before. */
export function newSecret(scene: Scene): string {
  scene.serial += 1;
  return `a-secret-of-forty-three-characters-or-more-${scene.serial}`;
}

export function taskIdFor(scene: Scene, { taskId, target }: Operation): string | undefined {
  if (taskId === 'none') return undefined;
  if (taskId === 'taken') return choose([...scene.tasks.keys()].slice(-30), target);
  scene.serial += 1;
  return `job-${scene.serial}`;
}

export function parentTaskIdFor(scene: Scene, operation: Operation, right: string | undefined) {
  if (operation.parentTaskId === 'none') return undefined;
  return operation.parentTaskId === 'right' ? right : choose([...scene.tasks.keys()], operation.who);
}
