import { createApi } from '../express-api/api.ts';
import { openStage } from '../stage/stage.ts';
import { tell } from '../stage/telling.ts';
import { ToolRefused } from './protect-tool.ts';
import { createTools } from './tools.ts';

/** Tools of a model that work for a task, and for nothing else: see README.md beside this. */
await using stage = await openStage();
const { url } = await stage.api('Notes', createApi);
const rights = { permissions: ['notes:read', 'notes:write'], tools: ['readNotes', 'writeNote'] };
const agent = await stage.agent('Assistant', rights);
const tools = createTools(agent, url);

const outcome = async (work: Promise<unknown>) => {
  try {
    return String(await work).slice(0, 60);
  } catch (error) {
    if (error instanceof ToolRefused) return `refused: ${error.message}`;
    throw error;
  }
};
const tellOf = async (what: string, work: Promise<unknown>) => tell(`${what}: ${await outcome(work)}`);

await tellOf('outside of a task', tools.readNotes.execute({}));

const terms = { description: 'Keep my notes', scope: 'notes:read notes:write', audience: url };
await agent.task({ ...terms, tools: ['readNotes', 'writeNote'] }, async () => {
  // Here a model would decide what to call.
  await tellOf('writing', tools.writeNote.invoke({ text: 'Buy milk' }));
  await tellOf('reading', tools.readNotes.execute({}));
  await tellOf('writing with the tool for reading', tools.readNotesBadly.execute({ text: 'Buy a boat' }));
});
await agent.task({ ...terms, tools: ['readNotes'] }, () =>
  tellOf('a tool that the task was not granted', tools.writeNote.invoke({ text: 'Buy a boat' })),
);
await agent.task({ ...terms, scope: 'notes:read' }, () =>
  tellOf('a task that may only read', tools.writeNote.invoke({ text: 'Buy a boat' })),
);
