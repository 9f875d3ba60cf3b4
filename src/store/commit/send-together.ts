import type { Knex } from 'knex';
import { isPostgres } from '../sql/statements.ts';

/**
 * Starts every part before it waits for any: on PostgreSQL their statements travel in one round trip, in this order.
 * The embedded database has nothing to wait for, so there the parts run one after the other, up to one that stops them.
 *
 * After the first statement that fails PostgreSQL refuses those behind it. What the others answered is still true,
 * and tells why better than the failure does: it is thrown only when nobody answered with `stops`.
 */
export async function sendTogether<T>(
  db: Knex,
  parts: readonly (() => Promise<readonly T[]>)[],
  stops: (answer: T) => boolean,
): Promise<readonly (readonly T[])[]> {
  if (!isPostgres(db)) return sendInOrder(parts, stops);
  const settled = await Promise.allSettled(parts.map((part) => part()));
  const answers = settled.map((one) => (one.status === 'fulfilled' ? one.value : []));
  const failure = settled.find((one) => one.status === 'rejected');
  if (failure && !answers.flat().some(stops)) throw failure.reason;
  return answers;
}

/** Starts each part when the one before has answered; ends early after an answer that `stops`. */
export async function sendInOrder<T>(
  parts: readonly (() => Promise<readonly T[]>)[],
  stops: (answer: T) => boolean,
): Promise<readonly (readonly T[])[]> {
  const answers: (readonly T[])[] = [];
  for (const part of parts) {
    const answer = await part();
    answers.push(answer);
    if (answer.some(stops)) break;
  }
  return answers;
}
