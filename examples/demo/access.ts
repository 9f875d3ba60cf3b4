import type { HeldTask } from './agent.ts';
import type { Cast } from './cast.ts';
import type { Tasks } from './delegation.ts';
import { type Answer, call, expect, shown } from './http.ts';
import { allowed, chapter, refused } from './screen.ts';

/** Two APIs let the agents in, each for what its task may. */
export async function useApis(cast: Cast, tasks: Tasks): Promise<void> {
  chapter('The APIs accept and refuse');
  await useExampleApi(cast, tasks);
  await useNotebook(cast, tasks);
}

async function useExampleApi({ example }: Cast, { trip, research }: Tasks): Promise<void> {
  const ask = (task: HeldTask, taskId?: string) =>
    call(example, { token: task.token, headers: taskId === undefined ? {} : { 'X-Task-ID': taskId } });
  expect('the example API', await ask(trip, trip.taskId), 200);
  allowed(`Planner     GET ${new URL(example).pathname} with X-Task-ID: ${trip.taskId}`);
  const unnamed = expect('no X-Task-ID', await ask(trip), 400);
  refused(`Planner     the same without X-Task-ID`, detail(unnamed));
  const other = expect('another task', await ask(trip, research.taskId), 403);
  refused(`Planner     the same for the task ${research.taskId}`, detail(other));
  const foreign = expect('another audience', await ask(research, research.taskId), 401);
  refused('Researcher  the same with its own token and task', detail(foreign));
}

async function useNotebook(cast: Cast, { research, report, checking, trip }: Tasks): Promise<void> {
  expect('reading', await read(cast, research), 200);
  allowed('Researcher  GET /notes');
  const denied = expect('writing', await write(cast, research), 403);
  refused('Researcher  POST /notes', detail(denied));
  expect('writing', await write(cast, report), 200);
  allowed('Writer      POST /notes');
  expect('reading', await read(cast, checking), 200);
  allowed('Writer      GET /notes, for the deepest task');
  const foreign = expect('another audience', await read(cast, trip), 401);
  refused('Planner     GET /notes with its token for the example API', detail(foreign));
}

export function read({ notes }: Cast, { token }: HeldTask): Promise<Answer> {
  return call(`${notes}/notes`, { token });
}

export function write({ notes }: Cast, { token }: HeldTask): Promise<Answer> {
  return call(`${notes}/notes`, { token, text: 'Lisbon: the castle, the tram, the river' });
}

/** What the refusal says; of a challenge what is wrong and which scope would do. */
function detail({ status, headers, body }: Answer): string {
  const challenge = headers.get('www-authenticate') ?? '';
  const said = /error="(\w+)"/.exec(challenge)?.[1];
  const scope =
    said === 'insufficient_scope' ? ` scope=${/ scope="([^"]*)"/.exec(challenge)?.[1] ?? ''}` : '';
  const why = shown(body, 'detail') || shown(body, 'error');
  return said === undefined ? `${status} ${why}` : `${status} ${said}${scope}: ${why}`;
}
