import { setTimeout } from 'node:timers/promises';
import { TaskgrantError } from '@taskgrant/sdk/agent';

/** One line of a story. */
export function tell(text: string): void {
  console.log(text);
}

/** The answer, which must have this status: an example that goes otherwise than told fails. */
export async function answers(what: string, status: number, response: Promise<Response>): Promise<void> {
  const answer = await response;
  const text = await answer.text();
  if (answer.status !== status) throw new Error(`${what}: ${answer.status} instead of ${status}: ${text}`);
  tell(`${what}: ${status}`);
}

/** Milliseconds until a request gets 401. @throws Error when it does not within two seconds. */
export async function untilRefused(send: () => Promise<Response>): Promise<number> {
  const began = performance.now();
  for (;;) {
    const response = await send();
    await response.body?.cancel();
    const spent = performance.now() - began;
    if (response.status === 401) return Math.round(spent);
    if (spent > 2000) throw new Error(`still ${response.status} after ${Math.round(spent)} ms`);
    await setTimeout(5);
  }
}

/** What the server says no with: `error`, and the reason of the task engine. @throws Error when it does not refuse. */
export async function refusal(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof TaskgrantError)) throw new Error('this should have been refused', { cause: error });
  return [error.code, error.taskError].filter((part) => part !== undefined).join(', ');
}
