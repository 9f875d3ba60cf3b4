import {
  type Basis,
  endedBy,
  type Revocation,
  TokenBasis,
  tokenDependencies,
} from '../../domain/revocation.ts';
import type { Task } from '../../domain/task.ts';
import type { TaskToken } from '../../domain/task-token.ts';
import type { AppContext } from '../context.ts';
import type { TokenStanding } from '../ports/tokens.ts';

export type Liveness = 'live' | 'expired' | 'revoked' | 'consumed' | 'task_ended';

/** A token that this server issued, its task, and whether it is live at this moment. */
export interface ResolvedToken extends Basis {
  readonly token: TaskToken;
  readonly task: Task;
  readonly liveness: Liveness;
  readonly revocation: Revocation | undefined;
}

/** What a presented value stands for, and the version of the registry at the same moment, where that is known. */
export interface Resolution {
  readonly found: ResolvedToken | undefined;
  readonly registry?: number;
}

/**
 * Finds what a presented value stands for: a JWT by its `jti`, an opaque value by its digest. Undefined: not ours,
 * malformed or forged. Nothing is cached.
 */
export async function resolveToken(context: AppContext, value: string): Promise<ResolvedToken | undefined> {
  return (await resolveValue(context, value)).found;
}

/** The same, with the version of the registry that one read has found beside it. */
export async function resolveValue(context: AppContext, value: string): Promise<Resolution> {
  if (value.includes('.')) return resolveJwt(context, value);
  const token = await context.store.tokens.byDigest(context.digests.sha256(value));
  return { found: token && (await assess(context, token)) };
}

async function resolveJwt(context: AppContext, value: string): Promise<Resolution> {
  const tokenId = await context.signer.tokenIdOf(value);
  if (tokenId === undefined) return { found: undefined };
  const { found, registry } = await context.store.tokens.standing(tokenId);
  if (!found || !(await isIssued(context, found.token, value))) return { found: undefined, registry };
  return { found: assessed(context, found), registry };
}

/** Whether the value is what was issued as that token. */
async function isIssued({ signer, digests }: AppContext, token: TaskToken, value: string): Promise<boolean> {
  // INVARIANT: a token_id alone is never a token; only rows issued as JWTs may be reached by a JWT.
  if (token.format !== 'jwt') return false;
  // The very characters that were issued: more than a signature proves, and cheaper than checking one (ADR 15).
  if (token.jwtDigest !== null) return digests.equal(token.jwtDigest, digests.sha256(value));
  // Issued before digests of JWTs were kept.
  return (await signer.verify(value)) !== undefined;
}

/** Looks up by the public id: for administration, never for a presented credential. */
export async function resolveTokenId(
  context: AppContext,
  tokenId: string,
): Promise<ResolvedToken | undefined> {
  const token = await context.store.tokens.byId(tokenId);
  return token ? assess(context, token) : undefined;
}

export async function assess(context: AppContext, token: TaskToken): Promise<ResolvedToken | undefined> {
  const task = await context.store.tasks.byHandle(token.taskHandle);
  return task && assessWith(context, token, task);
}

async function assessWith(context: AppContext, token: TaskToken, task: Task): Promise<ResolvedToken> {
  const revocations = await context.store.ledger.among(tokenDependencies(token, task));
  return assessed(context, { token, task, revocations });
}

function assessed(
  { clock }: AppContext,
  { token, task, revocations }: NonNullable<TokenStanding['found']>,
): ResolvedToken {
  const revocation =
    revocations.length === 0 ? undefined : endedBy(tokenDependencies(token, task), revocations);
  return new Assessed(token, task, livenessOf(token, task, revocation, clock.now()), revocation);
}

class Assessed extends TokenBasis<TaskToken, Task> implements ResolvedToken {
  readonly liveness: Liveness;
  readonly revocation: Revocation | undefined;

  constructor(token: TaskToken, task: Task, liveness: Liveness, revocation: Revocation | undefined) {
    super(token, task);
    this.liveness = liveness;
    this.revocation = revocation;
  }
}

function livenessOf(token: TaskToken, task: Task, revocation: Revocation | undefined, now: number): Liveness {
  if (revocation) return 'revoked';
  if (task.state !== 'active') return 'task_ended';
  if (token.expiresAt <= now || task.expiresAt <= now) return 'expired';
  return token.consumedAt === null ? 'live' : 'consumed';
}
