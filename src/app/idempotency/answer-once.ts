import { DomainError } from '../../domain/errors.ts';
import { unavailability } from '../../domain/unavailable.ts';
import { type Caller, unitOf } from '../audit/audit-trail.ts';
import type { AppContext } from '../context.ts';
import type { AnswerSeal, AnswerSeals, IdempotencyRecord } from '../ports/idempotency.ts';
import { type Conditions, REGISTRY_CHANGED, ROTATED_MEANWHILE, type UnitOfWork } from '../unit-of-work.ts';
import { canonicalJson } from './canonical-json.ts';
import { deferUnits } from './deferred-units.ts';

/** A request that the client may have sent before. */
export interface RepeatableRequest {
  /** The Idempotency-Key. */
  readonly key: string;
  /** Whose key it is: others may have chosen the same. */
  readonly owner: string;
  readonly method: string;
  readonly path: string;
  /** As it was sent; members in any order. */
  readonly body: unknown;
  /** What the owner was proven by, and must still be so when an answer is given again. */
  readonly holds?: Conditions | undefined;
}

export interface Answer {
  readonly status: number;
  /** As JSON. */
  readonly body: unknown;
}

/** `reused`: the key was used for another body. */
export type AnswerOnceOutcome =
  | { readonly kind: 'answered' | 'repeated'; readonly answer: Answer }
  | { readonly kind: 'reused' };

/**
 * Answers a request that creates something, or repeats the answer that the same request got before. `produce` creates
 * and answers. INVARIANT: what it creates and its answer are stored in one unit of work, so that of any number of
 * requests with one key, on any number of nodes, one creates and all get its answer, whatever crashes in between.
 */
export type AnswerOnce = (
  request: RepeatableRequest,
  caller: Caller,
  produce: () => Promise<Answer>,
) => Promise<AnswerOnceOutcome>;

interface AnswerOnceParts {
  readonly context: AppContext;
  readonly seals: AnswerSeals;
  readonly keepSeconds: number;
}

export function createAnswerOnce(parts: AnswerOnceParts): AnswerOnce {
  const running = new Map<string, Promise<unknown>>();
  return async (request, caller, produce) => {
    const { key, owner, method, path } = request;
    const seal = parts.seals(JSON.stringify([owner, method, path, key]));
    const keyed: Keyed = { ...parts, request, caller, seal };
    // Within a process the others let the first one go ahead: their commits would queue up only to fail.
    await running.get(seal.id)?.catch(() => undefined);
    const answering = answerFirst(keyed, produce);
    if (running.has(seal.id)) return answering;
    running.set(seal.id, answering);
    try {
      return await answering;
    } finally {
      running.delete(seal.id);
    }
  };
}

async function answerFirst(keyed: Keyed, produce: () => Promise<Answer>): Promise<AnswerOnceOutcome> {
  for (let decision = 1; ; decision += 1) {
    const before = await find(keyed);
    if (before) return repeat(keyed, before);
    const made = await create(keyed, produce, { again: decision > 1 });
    if (!('failure' in made)) return { kind: 'answered', answer: made.answer };
    if (unavailability(made.failure)) throw made.failure;
    if (decision < MOST_DECISIONS && made.overtaken) continue;
    // Another request with this key may have been faster: what it created may be what stood in the way of this one,
    // and what looks like a token that was used twice.
    const faster = await find(keyed);
    if (faster) return repeat(keyed, faster);
    // They end something because of what was seen: no registry needs to be current for that.
    for (const unit of made.lasting) await keyed.context.store.commit({ ...unit, registry: undefined });
    throw made.failure;
  }
}

/** The registry is relied on from memory but once, and a token is rotated but once: each can overtake one decision. */
const MOST_DECISIONS = 3;

interface Keyed extends AnswerOnceParts {
  readonly request: RepeatableRequest;
  readonly caller: Caller;
  readonly seal: AnswerSeal;
}

async function find({ context, seal }: Keyed): Promise<IdempotencyRecord | undefined> {
  const found = await context.store.idempotency.byId(seal.id);
  return found && found.expiresAt > context.clock.now() ? found : undefined;
}

type Made =
  | { readonly answer: Answer }
  | {
      readonly failure: unknown;
      /** It was decided on what is no longer so. */
      readonly overtaken: boolean;
      /** What is committed nevertheless. */
      readonly lasting: readonly UnitOfWork[];
    };

/** Refusals create nothing, and are not kept: whoever mends what was wrong may send the same key again. */
async function create(
  keyed: Keyed,
  produce: () => Promise<Answer>,
  options: { readonly again: boolean },
): Promise<Made> {
  const deferred = await deferUnits(produce, options);
  if ('lasting' in deferred) {
    const { refusal: failure, lasting } = deferred;
    return { failure, overtaken: failure === REGISTRY_CHANGED, lasting };
  }
  const { result: answer, unit } = deferred;
  if (!unit || answer.status >= 300) return { answer };
  try {
    await commitWith(keyed, answer, unit);
    return { answer };
  } catch (failure) {
    return { failure, overtaken: await isOvertaken(keyed, unit, failure), lasting: [] };
  }
}

/** Also whatever else misses where the registry has changed (ADR 16): a reinstated agent's old epoch, for one. */
async function isOvertaken({ context }: Keyed, { registry }: UnitOfWork, failure: unknown): Promise<boolean> {
  if (failure === ROTATED_MEANWHILE) return true;
  if (!(failure instanceof DomainError) || registry === undefined) return false;
  return !(await context.store.registry.isCurrent(registry));
}

async function commitWith(keyed: Keyed, answer: Answer, unit: UnitOfWork): Promise<void> {
  const { context, seal, keepSeconds } = keyed;
  const now = context.clock.now();
  const record: IdempotencyRecord = {
    id: seal.id,
    fingerprint: fingerprintOf(keyed),
    answer: seal.seal(JSON.stringify(answer)),
    createdAt: now,
    expiresAt: now + keepSeconds * 1000,
  };
  const miss = new DomainError('conflict', 'the Idempotency-Key was used meanwhile');
  await context.store.commit({
    ...unit,
    // Last: API keys come first and in one order everywhere, or two nodes would wait for each other.
    changes: [...unit.changes, { do: 'insert_idempotency_record', record, miss }],
  });
}

/** Secrets leave a second time: that is on record, in the commit that finds their owner still to be who was proven. */
async function repeat(keyed: Keyed, record: IdempotencyRecord): Promise<AnswerOnceOutcome> {
  const { context, caller, request, seal } = keyed;
  if (!context.digests.equal(record.fingerprint, fingerprintOf(keyed))) return { kind: 'reused' };
  const answer = JSON.parse(seal.unseal(record.answer)) as Answer;
  const { method, path } = request;
  const details = { method, path: path.slice(0, 300), first_at: new Date(record.createdAt).toISOString() };
  const { guards, changes } = request.holds ?? { guards: [], changes: [] };
  const fact = { type: 'answer_repeated' as const, clientId: caller.actor, details };
  const unit = unitOf(context, caller, changes, fact);
  await context.store.commit({ ...unit, guards: [...unit.guards, ...guards] });
  return { kind: 'repeated', answer };
}

function fingerprintOf({ seal, request }: Keyed): string {
  return seal.fingerprint(canonicalJson(request.body));
}
