import { DomainError } from '../../domain/errors.ts';
import { type Dependency, endedBy, type Revocation, tokenDependencies } from '../../domain/revocation.ts';
import type { Task } from '../../domain/task.ts';
import type { TaskToken } from '../../domain/task-token.ts';
import type { AppContext } from '../context.ts';
import type { Page, Paged } from '../ports/page.ts';
import type { TokenFilter } from '../ports/tokens.ts';

/** A token's row with what the ledger says of it and of everything it depends on. */
export interface ViewedToken {
  readonly token: TaskToken;
  /** Undefined when the task's row has been removed after its retention time. */
  readonly task: Task | undefined;
  readonly revocation: Revocation | undefined;
  readonly isRevoked: boolean;
  readonly isValid: boolean;
}

/** Newest first; `revoked` and `valid` are decided with the ledger. */
export async function searchTokens(
  context: AppContext,
  filter: Omit<TokenFilter, 'now'>,
  page: Page,
): Promise<Paged<ViewedToken>> {
  const found = await context.store.tokens.search({ ...filter, now: context.clock.now() }, page);
  return { items: await viewTokens(context, found.items), next: found.next };
}

/** @throws DomainError `not_found`. */
export async function viewToken(context: AppContext, tokenId: string): Promise<ViewedToken> {
  const token = await context.store.tokens.byId(tokenId);
  const [view] = token ? await viewTokens(context, [token]) : [];
  if (!view) throw new DomainError('not_found', 'there is no such token');
  return view;
}

/** Two queries, however many tokens. */
async function viewTokens(
  { store, clock }: AppContext,
  tokens: readonly TaskToken[],
): Promise<ViewedToken[]> {
  if (tokens.length === 0) return [];
  const handles = [...new Set(tokens.map((token) => token.taskHandle))];
  const tasks = new Map((await store.tasks.byHandles(handles)).map((task) => [task.handle, task]));
  const rested = tokens.map((token) => {
    const task = tasks.get(token.taskHandle);
    return { token, task, dependencies: task ? tokenDependencies(token, task) : [] };
  });
  const ledger = await store.ledger.among(rested.flatMap((one) => one.dependencies));
  return rested.map((one) => judge(one, ledger, clock.now()));
}

interface Rested {
  readonly token: TaskToken;
  readonly task: Task | undefined;
  readonly dependencies: readonly Dependency[];
}

function judge(
  { token, task, dependencies }: Rested,
  ledger: readonly Revocation[],
  now: number,
): ViewedToken {
  const revocation = endedBy(dependencies, ledger);
  const isRevoked = token.revokedAt !== null || revocation !== undefined;
  const isValid = task !== undefined && !isRevoked && token.consumedAt === null && token.expiresAt > now;
  return { token, task, revocation, isRevoked, isValid };
}
