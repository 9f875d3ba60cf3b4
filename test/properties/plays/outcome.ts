import {
  expectAgreement,
  expectHolding,
  expectLifetime,
  expectSame,
  expectTerms,
  modelTask,
  modelToken,
} from '../compare.ts';
import type { Granted, Outcome } from '../door.ts';
import type { Holding, ModelTask, ModelToken } from '../model/nouns.ts';
import type { Verdict } from '../model/openings.ts';
import type { Scene } from '../scene.ts';

/** The audit events that must have been written; undefined when nothing was asked of the server. */
export type Told = Promise<readonly string[] | undefined>;

/** Compares what the server did with what the model says, and answers what was granted. */
export function settle(scene: Scene, verdict: Verdict, outcome: Outcome, story: string): Granted | undefined {
  const granted = 'granted' in outcome ? outcome.granted : undefined;
  const result =
    'refused' in outcome ? `refused, ${outcome.refused}` : `task ${outcome.granted.taskId.slice(0, 8)}`;
  scene.trace.push(`${story}: ${result}, token ${granted?.access.id.slice(0, 6) ?? '-'}`);
  scene.score[granted ? 'granted' : 'refused'] += 1;
  expectAgreement(scene.door, verdict.complaints, outcome);
  if (granted) expectHolding(granted, verdict.holding);
  return granted;
}

type NewTask = Omit<Parameters<typeof modelTask>[2], 'grant'> & { readonly audience: string | undefined };

/** Checks a new task and remembers it with its first tokens. */
export function keepTask(scene: Scene, granted: Granted, verdict: Verdict, rest: NewTask): ModelTask {
  const { door } = scene;
  const { terms, holding } = verdict;
  if (!terms) throw new Error('the model says nothing of the terms of a new task');
  expectTerms(door, granted, terms);
  expectSame(granted.parentTaskId, rest.parent?.task.id ?? null);
  const via = rest.parent?.madeFrom ?? rest.parent;
  expectSame(granted.via, via?.id ?? null);
  const { audience, ...known } = rest;
  const grant = { id: granted.grant ?? '', ended: false };
  const task = modelTask(granted, { ...verdict, terms }, { ...known, grant });
  scene.tasks.set(task.id, task);
  const seconds = door.limits.accessTokenSeconds;
  keepToken(scene, task, { granted, holding, seconds, kind: 'access', audience: audience ?? null });
  expectSame(granted.refresh !== undefined, rest.agent.refreshes && !terms.leaf);
  if (granted.refresh) keepRefreshToken(scene, task, granted.refresh);
  return task;
}

function keepRefreshToken(
  { door, tokens }: Scene,
  task: ModelTask,
  refresh: NonNullable<Granted['refresh']>,
) {
  const { value, expiresAt } = refresh;
  const { refreshTokenSeconds: seconds } = door.limits;
  if (expiresAt !== undefined) expectLifetime(door, expiresAt, task, seconds);
  const end = expiresAt ?? Math.min(door.now() + seconds * 1000, task.expiresAt);
  tokens.push(modelToken(task, task, { kind: 'refresh', value, expiresAt: end }));
}

type NewToken = Pick<ModelToken, 'kind' | 'audience'> &
  Partial<ModelToken> & { readonly granted: Granted; readonly holding: Holding; readonly seconds: number };

/** Checks a new access or hand-off token and remembers it. */
export function keepToken(
  { door, tokens }: Scene,
  task: ModelTask,
  { granted, holding, seconds, ...rest }: NewToken,
): void {
  const { value, id, expiresAt } = granted.access;
  expectLifetime(door, expiresAt, task, seconds);
  if (granted.audience !== undefined && rest.audience !== null) expectSame(granted.audience, rest.audience);
  tokens.push(modelToken(task, holding, { ...rest, value, id, expiresAt }));
}
