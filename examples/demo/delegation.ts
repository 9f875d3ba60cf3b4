import type { HeldTask } from './agent.ts';
import { type Cast, REDIRECT_URI } from './cast.ts';
import { expect, text } from './http.ts';
import { allowed, chapter, refused, tell } from './screen.ts';

/** The tasks of the story, by their place in the tree. */
export interface Tasks {
  readonly trip: HeldTask;
  readonly research: HeldTask;
  readonly reading: HeldTask;
  readonly checking: HeldTask;
  readonly report: HeldTask;
}

/** Ada signs in and approves; the Planner opens the task that everything else hangs from. */
export async function delegate({
  issuer,
  ada,
  planner,
  researcher,
  writer,
  example,
  notes,
  run,
}: Cast): Promise<HeldTask> {
  chapter('Ada delegates to the Planner: authorization code, PKCE');
  const { url, verifier, state } = planner.authorization(REDIRECT_URI, {
    scope: 'example:read notes:read notes:write',
    resource: [example, notes],
    task_id: `trip-${run}`,
    task_description: 'Plan a weekend in Lisbon',
    delegates: `${researcher.clientId} ${writer.clientId}`,
  });
  const { url: callback, shown } = await ada.approve(url);
  tell(`Ada signs in and sees what is asked: ${shown.join(', ')}. She allows it.`);
  const answer = callback.searchParams;
  // RFC 6749 §10.12 and RFC 9207: an answer to somebody else, or from somebody else, is not used.
  if (answer.get('state') !== state || answer.get('iss') !== issuer)
    throw new Error('the answer is not ours');
  const trip = await planner.redeem(answer.get('code') ?? '', REDIRECT_URI, verifier);
  allowed(`the Planner opens the task ${trip.taskId}: ${trip.scope}`);
  return trip;
}

/** Two hand-offs from the Planner; below the first, two levels more. */
export async function spread(cast: Cast, trip: HeldTask): Promise<Tasks> {
  const { planner, researcher, writer, notes, run } = cast;
  chapter('The Planner hands parts of it on: hand-off tokens, RFC 8693');
  const toResearcher = await planner.handOff(trip, researcher, { scope: 'notes:read', resource: notes });
  const research = await researcher.accept(toResearcher, {
    task_id: `research-${run}`,
    task_description: 'Find out what there is to see',
    delegates: writer.clientId,
  });
  allowed(`the Researcher gets ${research.taskId}: ${research.scope}, for the notebook only`);
  const toWriter = await planner.handOff(trip, writer, { scope: 'notes:read notes:write', resource: notes });
  const report = await writer.accept(toWriter, {
    task_id: `report-${run}`,
    task_description: 'Write the plan down',
  });
  allowed(`the Writer gets ${report.taskId}: ${report.scope}`);
  await refuseVoucherTwice(cast, toWriter);
  return { trip, research, report, ...(await deepen(cast, research)) };
}

async function deepen({ researcher, writer, run }: Cast, research: HeldTask) {
  const reading = await researcher.derive(research, {
    task_id: `reading-${run}`,
    task_description: 'Read the notes of last year',
    delegates: writer.clientId,
  });
  allowed(`the Researcher splits off ${reading.taskId} for itself`);
  const voucher = await researcher.handOff(reading, writer, { scope: 'notes:read' });
  const checking = await writer.accept(voucher, {
    task_id: `checking-${run}`,
    task_description: 'Check the spelling of the places',
  });
  allowed(`and hands ${checking.taskId} to the Writer: two levels below its own task`);
  return { reading, checking };
}

async function refuseVoucherTwice({ writer }: Cast, voucher: string): Promise<void> {
  const again = writer.accept(voucher, {}).then(
    () => Promise.reject(new Error('a hand-off token worked twice')),
    (error: Error) => error.message,
  );
  if (!(await again).includes('parent_revoked')) throw new Error(await again);
  refused('the Writer uses the same hand-off token again', 'invalid_request: it works once');
}

/** Everything here must fail. */
export async function overreach({ researcher }: Cast, { research }: Tasks): Promise<void> {
  chapter('What nobody can do');
  const own = { code_verifier: research.verifier };
  const wider = await researcher.tryDerive(research, { ...own, scope: 'notes:read example:read' });
  expect('a wider child', wider, 400, 'not_subset');
  refused('the Researcher derives a child that may also example:read', reason(wider.body));
  const unproved = await researcher.tryDerive(research, {});
  expect('a child without the verifier', unproved, 400, 'verifier_mismatch');
  refused(
    'a copy of the Researcher, with its secret and its token but another process',
    reason(unproved.body),
  );
  const deeper = await researcher.tryDerive(research, { ...own, max_depth: '12' });
  expect('a deeper child', deeper, 400, 'max_depth_exceeded');
  refused('the Researcher asks for twelve more levels', reason(deeper.body));
  const unnamed = await researcher.tryDerive(research, { ...own, delegate_to: researcher.clientId });
  expect('a hand-off to somebody who is not named', unnamed, 400, 'actor_not_permitted');
  refused('the Researcher hands off to somebody who is not among its delegates', reason(unnamed.body));
}

function reason(body: Record<string, unknown>): string {
  return `${text(body, 'error')}: ${text(body, 'error_description')}`;
}
