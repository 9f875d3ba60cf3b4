import { EventEmitter } from 'node:events';
import type { Task } from '@taskgrant/sdk/agent';
import type { Access } from '@taskgrant/sdk/resource';
import { openStage } from '../stage/stage.ts';
import { tell } from '../stage/telling.ts';
import { createArchive } from './archive.ts';
import { diligent, greedy } from './workers.ts';

/** An orchestrator, two workers, and one of them out of hand: see README.md beside this. */
const PAGES = 20;
/** What the second worker is expected to read. */
const FEW = 5;

await using stage = await openStage();
const reads = new EventEmitter<{ read: [Access] }>();
const archive = await stage.api(
  'Archive',
  createArchive((access) => reads.emit('read', access)),
);
const rights = { permissions: ['archive:*'] };
const orchestrator = await stage.agent('Orchestrator', rights);
const reader = await stage.agent('Reader', rights);
const hoarder = await stage.agent('Hoarder', rights);

const terms = {
  description: 'Find out how the story begins',
  scope: 'archive:read archive:list',
  audience: archive.url,
  delegates: [reader.clientId, hoarder.clientId],
  // Where the orchestrator ends what it has handed out.
  origins: [stage.issuer],
};
await orchestrator.task(terms, async (task) => {
  cutOffWhoReadsTooMuch(task);
  tell('the orchestrator hands archive:read to two workers');
  const order = async (clientId: string) => ({
    handOff: await task.delegate(clientId, { scope: 'archive:read' }),
    archive: archive.url,
    pages: PAGES,
  });
  const [read, hoarded] = await Promise.allSettled([
    order(reader.clientId).then((one) => diligent(reader, one)),
    order(hoarder.clientId).then((one) => greedy(hoarder, one)),
  ]);
  if (read.status === 'rejected') throw read.reason;
  if (hoarded.status === 'fulfilled') throw new Error('the greedy worker should have been stopped');
  tell(`  the greedy worker is stopped: ${(hoarded.reason as Error).message}`);
  tell(`the other worker went on and read ${read.value} pages`);
  await drawTree(task);
});

function cutOffWhoReadsTooMuch(task: Task): void {
  let count = 0;
  reads.on('read', (access) => {
    if (access.clientId !== hoarder.clientId) return;
    count += 1;
    if (count === FEW + 1) void cutOff(task, access.task.id);
  });
}

/** Whoever holds a task may end whatever is below it, and nothing else. */
async function cutOff(task: Task, below: string): Promise<void> {
  const url = `${stage.issuer}/api/tasks/${encodeURIComponent(below)}/revoke`;
  const headers = { 'content-type': 'application/json' };
  const response = await task.fetch(url, { method: 'POST', headers, body: '{"reason": "reads too much"}' });
  tell(`  the orchestrator revokes the task of the greedy worker: ${response.status}`);
}

async function drawTree({ id }: Task): Promise<void> {
  const rows = await stage.admin.tasks.tree(id).take(10);
  for (const { depth, description, state, ended_reason: reason } of rows) {
    tell(`${'  '.repeat(depth)}${description}: ${state}${reason === null ? '' : ` (${reason})`}`);
  }
}
