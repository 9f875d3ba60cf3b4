import { KEY_REUSED, readIdempotencyKey, REPEATED_FIELD } from '../app/idempotency/idempotency-key.ts';
import type { Answer, AnswerOnce } from '../app/idempotency/answer-once.ts';
import { networkOf } from '../domain/source-network.ts';
import type { RequestCaller } from './caller.ts';
import type { Proof } from './contract.ts';
import { Problem } from './problem.ts';
import type { RequestContext } from './state.ts';

interface Creation {
  readonly caller: RequestCaller;
  readonly proof: Proof | undefined;
  /** The body as it was sent. */
  readonly body: unknown;
  readonly produce: () => Promise<Answer>;
}

/**
 * Answers a request that creates something: once for each Idempotency-Key, where there is one.
 * @throws Problem 400 for a key that cannot be one, 422 for one that was used for another body.
 */
export async function answerCreation(
  answerOnce: AnswerOnce,
  ctx: RequestContext,
  { caller, proof, body, produce }: Creation,
): Promise<Answer> {
  const read = readIdempotencyKey(ctx.req.headers['idempotency-key'] as string | undefined, {
    anonymous: caller.bearer === undefined,
  });
  if (!read) return produce();
  if (read.fault !== undefined) throw new Problem(400, 'idempotency_key_invalid', read.fault);
  const { method, path } = ctx;
  const owner = proof ? ownerBy(proof, ctx) : ownerOf(ctx, caller);
  const request = { key: read.key, owner, method, path, body, holds: proof?.holds };
  const outcome = await answerOnce(request, caller, produce);
  if (outcome.kind === 'reused') throw new Problem(422, 'idempotency_key_reused', KEY_REUSED);
  if (outcome.kind === 'repeated') ctx.set(REPEATED_FIELD.name, REPEATED_FIELD.value);
  return outcome.answer;
}

/**
 * A token that may less must not be told what one that may more was told: one of a part of the work, one that other
 * servers have seen, or one that is not bound to the key.
 */
function ownerOf({ state }: RequestContext, caller: RequestCaller): string {
  if (!caller.bearer) return `network ${networkOf(state.origin.sourceIp)}`;
  const { token, task } = caller.bearer;
  const { clientId, subject, audience, keyThumbprint } = token;
  const may = [caller.administers('admin:write'), task.depth > 0, audience, keyThumbprint];
  return JSON.stringify([clientId, subject, ...may]);
}

/**
 * Tokens that are bound to a key are told to nobody who does not prove it. Whoever was suspended since is another owner:
 * what was told before has ended.
 */
function ownerBy({ agent: { clientId, epoch } }: Proof, { state }: RequestContext): string {
  return `agent ${JSON.stringify([clientId, epoch, state.keyThumbprint ?? null])}`;
}
