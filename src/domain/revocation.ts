import type { Lineage } from './lineage.ts';
import type { TaskToken } from './task-token.ts';

/** How much longer than any task its revocation is kept: clocks of nodes and resource servers differ. */
export const LEDGER_MARGIN_MS = 3_600_000;

/** R2, R3, R4: the kinds of handle that one ledger row can end. */
export type HandleKind = 'token' | 'token_self' | 'task' | 'grant' | 'agent' | 'user';

/** One fact of the ledger. For agents and users `epoch` is the new epoch: everything authorised under a lower one is dead. */
export interface Revocation {
  readonly kind: HandleKind;
  readonly handle: string;
  readonly epoch: number;
}

/** One handle that a token depends on. For agents and users `epoch` is the one read when it was authorised. */
export interface Dependency {
  readonly kind: HandleKind;
  readonly handle: string;
  readonly epoch: number;
}

/** What something stands on, and falls with. */
export interface Basis {
  readonly dependencies: readonly Dependency[];
  /** Whether any of their handles is named: the same without making a list of them. */
  restsOn(isNamed: (handle: string) => boolean): boolean;
}

/** What of a task its dependencies follow from. */
export interface DependentTask {
  readonly handle: string;
  readonly grant: string;
  readonly clientId: string;
  readonly clientEpoch: number;
  readonly subject: string;
  readonly subjectKind: 'user' | 'agent';
  readonly subjectEpoch: number;
  readonly lineage: Lineage;
}

/** Everything that can end a task: itself, its ancestors, the tokens, agents, grants and the subject they rest on. */
export function taskDependencies(task: DependentTask): Dependency[] {
  return distinct(handlesOf(task));
}

function handlesOf(task: DependentTask): Dependency[] {
  const own: Dependency[] = [
    { kind: 'task', handle: task.handle, epoch: 0 },
    { kind: 'grant', handle: task.grant, epoch: 0 },
    { kind: 'agent', handle: task.clientId, epoch: task.clientEpoch },
    { kind: task.subjectKind, handle: task.subject, epoch: task.subjectEpoch },
  ];
  const inherited = task.lineage.flatMap(({ task: handle, via, client, grant, epoch }): Dependency[] => [
    { kind: 'task', handle, epoch: 0 },
    { kind: 'token', handle: via, epoch: 0 },
    { kind: 'grant', handle: grant, epoch: 0 },
    { kind: 'agent', handle: client, epoch },
  ]);
  return [...own, ...inherited];
}

/** What of a token its own dependencies follow from. */
export type DependentToken = Pick<TaskToken, 'tokenId' | 'kind' | 'parentTokenId'>;

/** A token depends on its task's handles and on its own (R2). */
export function tokenDependencies(token: DependentToken, task: DependentTask): Dependency[] {
  return [...ownDependencies(token), ...distinct(handlesOf(task))];
}

/** What a token depends on besides its task: itself; a hand-off token on the one handed off as well. */
export function ownDependencies({ tokenId, kind, parentTokenId }: DependentToken): Dependency[] {
  const own: Dependency[] = [
    { kind: 'token', handle: tokenId, epoch: 0 },
    { kind: 'token_self', handle: tokenId, epoch: 0 },
  ];
  if (kind === 'handoff' && parentTokenId !== null)
    own.push({ kind: 'token', handle: parentTokenId, epoch: 0 });
  return own;
}

/**
 * What a token stands on. The list is made when somebody asks for it: it has sixty and more members in a deep task. A
 * class, because V8 keeps what the getter of an object literal refers to until the next full collection.
 */
export class TokenBasis<Token extends DependentToken, Task extends DependentTask> implements Basis {
  readonly token: Token;
  readonly task: Task;

  constructor(token: Token, task: Task) {
    this.token = token;
    this.task = task;
  }

  get dependencies(): readonly Dependency[] {
    return tokenDependencies(this.token, this.task);
  }

  restsOn(isNamed: (handle: string) => boolean): boolean {
    return restsOn(this.token, this.task, isNamed);
  }
}

export function basisOf(...dependencies: readonly Dependency[]): Basis {
  return { dependencies, restsOn: (isNamed) => dependencies.some(({ handle }) => isNamed(handle)) };
}

/** Whether a token depends on any handle of which `isNamed` is true: the same handles, without making a list of them. */
export function restsOn(
  token: DependentToken,
  task: DependentTask,
  isNamed: (handle: string) => boolean,
): boolean {
  const { tokenId, kind, parentTokenId } = token;
  if (isNamed(tokenId) || (kind === 'handoff' && parentTokenId !== null && isNamed(parentTokenId)))
    return true;
  if (isNamed(task.handle) || isNamed(task.grant) || isNamed(task.clientId)) return true;
  if (task.subject !== task.clientId && isNamed(task.subject)) return true;
  return task.lineage.some(
    ({ task: handle, via, client, grant }) =>
      isNamed(handle) || isNamed(via) || isNamed(grant) || (client !== task.clientId && isNamed(client)),
  );
}

/** The first revocation that ends something with these dependencies, or undefined while it is live. */
export function endedBy(
  dependencies: readonly Dependency[],
  ledger: readonly Revocation[],
): Revocation | undefined {
  return ledger.find((row) => dependencies.some((dependency) => isEnded(dependency, row)));
}

function isEnded(dependency: Dependency, row: Revocation): boolean {
  if (dependency.kind !== row.kind || dependency.handle !== row.handle) return false;
  return isCounted(row.kind) ? row.epoch > dependency.epoch : true;
}

function isCounted(kind: HandleKind): boolean {
  return kind === 'agent' || kind === 'user';
}

/** The ledger's key for a handle: kinds never collide. */
export function handleKey({ kind, handle }: { kind: HandleKind; handle: string }): string {
  return `${kind}:${handle}`;
}

function distinct(dependencies: readonly Dependency[]): Dependency[] {
  const seen = new Map<string, Dependency>();
  // Hardly ever: one handle of two kinds.
  const namesakes: Dependency[] = [];
  for (const dependency of dependencies) {
    const known = seen.get(dependency.handle);
    if (known && known.kind !== dependency.kind) namesakes.push(dependency);
    // INVARIANT: of two epochs the older one decides, because it dies first.
    else if (!known || dependency.epoch < known.epoch) seen.set(dependency.handle, dependency);
  }
  return namesakes.length === 0 ? [...seen.values()] : [...seen.values(), ...distinct(namesakes)];
}
