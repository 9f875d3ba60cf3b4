import type { Context } from 'koa';
import { type Fact, unitOf } from '../../app/audit/audit-trail.ts';
import type { Change, Guard } from '../../app/unit-of-work.ts';
import { markRequest } from './mark-request.ts';
import type { InteractionsOptions } from './options.ts';
import { requestEnded } from './page-refusal.ts';
import { callerOf, type Pending } from './pending.ts';

interface RequestAnswer {
  readonly userId: string;
  /** What must still be so of that person; where it is not, the request has ended. */
  readonly person?: Guard;
  /** What else must still be so; where it is not, its `miss` is thrown. */
  readonly standsOn?: readonly Guard[];
  /** Tells this answer from another one. */
  readonly answer: string;
  /** What came of it, if anything. */
  readonly grantId: string | null;
  readonly changes: readonly Change[];
  readonly fact: Fact;
}

/**
 * Stores what a person answered with all that comes of it, once for each request: a form that is sent again comes to
 * what the first one came to. Answers its grant.
 * @throws PageRefusal 400 for another answer than the one that was given already, and for a person who is cut off; what
 * `standsOn` says.
 */
export async function answerRequest(
  { context, artifacts }: Pick<InteractionsOptions, 'context' | 'artifacts'>,
  ctx: Context,
  pending: Pending,
  { userId, person, standsOn = [], answer, grantId, changes, fact }: RequestAnswer,
): Promise<string | null> {
  const payload = { grantId, answer };
  const answered = markRequest(context, pending, { model: 'AnsweredConsent', userId, payload });
  const caller = { ...callerOf(ctx, userId), standsOn: [...(person ? [person] : []), ...standsOn] };
  try {
    await context.store.commit(unitOf(context, caller, [answered, ...changes], fact));
    return grantId;
  } catch (error) {
    if (error === person?.miss) throw requestEnded();
    if (error !== answered.miss) throw error;
  }
  const { model, id } = answered.artifact;
  const first = (await artifacts.find(model, id))?.payload as typeof payload | undefined;
  if (first?.answer !== answer) throw requestEnded();
  return first.grantId;
}
