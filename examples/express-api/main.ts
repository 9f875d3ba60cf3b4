import { openStage } from '../stage/stage.ts';
import { answers, tell, untilRefused } from '../stage/telling.ts';
import { createApi } from './api.ts';

/** An Express API and an agent that uses it until its task is revoked: see README.md beside this. */
await using stage = await openStage();
const { url } = await stage.api('Notes', createApi);
const agent = await stage.agent('Note taker', { permissions: ['notes:read', 'notes:write'] });
const note = {
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: '{"text": "Buy milk"}',
};

await answers('nobody reads', 401, fetch(`${url}/notes`));
await answers('anybody finds the server', 200, fetch(`${url}/.well-known/oauth-protected-resource`));

const task = await agent.task({ description: 'Keep notes', scope: 'notes:read notes:write', audience: url });
await answers('the agent writes', 201, task.fetch(`${url}/notes`, note));
await answers('the agent reads', 200, task.fetch(`${url}/notes`));

await task.child({ description: 'Look a note up', scope: 'notes:read' }, async (child) => {
  await answers('a narrower task reads', 200, child.fetch(`${url}/notes`));
  await answers('a narrower task does not write', 403, child.fetch(`${url}/notes`, note));
  const mixedUp = {
    ...note,
    headers: { ...note.headers, ...(await task.headers('POST', url)), 'x-task-id': child.id },
  };
  await answers('a token with the task of another', 403, fetch(`${url}/notes`, mixedUp));
});

const headers = await task.headers('GET', url);
await stage.admin.tasks.revoke(task.id, { reason: 'Somebody else keeps the notes' });
const after = await untilRefused(() => fetch(`${url}/notes`, { headers }));
tell(`revoked by an administrator: 401 after ${after} ms`);
