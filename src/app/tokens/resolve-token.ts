import { type Dependency, endedBy, type Revocation, tokenDependencies } from '../../domain/revocation.ts';
import type { Task } from '../../domain/task.ts';
import type { TaskToken } from '../../domain/task-token.ts';
import type { AppContext } from '../context.ts';

export type Liveness = 'live' | 'expired' | 'revoked' | 'consumed' | 'task_ended';

/** A token that this server issued, its task, and whether it is live at this moment. */
export interface ResolvedToken {
  readonly token: TaskToken;
  readonly task: Task;
  readonly dependencies: readonly Dependency[];
  readonly liveness: Liveness;
  readonly revocation: Revocation | undefined;
}

/**
 * Finds what a presented value stands for: a JWT by its `jti`, an opaque value by its digest. Undefined: not ours,
 * malformed or forged. Nothing is cached.
 */
export async function resolveToken(context: AppContext, value: string): Promise<ResolvedToken | undefined> {
  if (value.includes('.')) return resolveJwt(context, value);
  const token = await context.store.tokens.byDigest(context.digests.sha256(value));
  return token ? assess(context, token) : undefined;
}

async function resolveJwt(context: AppContext, value: string): Promise<ResolvedToken | undefined> {
  const claims = await context.signer.claimsOf(value);
  if (typeof claims?.jti !== 'string') return undefined;
  const found = await context.store.tokens.withTask(claims.jti);
  return found && (await isIssued(context, found.token, value))
    ? assessWith(context, found.token, found.task)
    : undefined;
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
  const dependencies = tokenDependencies(token, task);
  const revocation = endedBy(dependencies, await context.store.ledger.among(dependencies));
  return {
    token,
    task,
    dependencies,
    revocation,
    liveness: livenessOf(token, task, revocation, context.clock.now()),
  };
}

function livenessOf(token: TaskToken, task: Task, revocation: Revocation | undefined, now: number): Liveness {
  if (revocation) return 'revoked';
  if (task.state !== 'active') return 'task_ended';
  if (token.expiresAt <= now || task.expiresAt <= now) return 'expired';
  return token.consumedAt === null ? 'live' : 'consumed';
}
