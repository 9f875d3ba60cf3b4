import { openStage } from '../stage/stage.ts';
import { answers, tell, untilRefused } from '../stage/telling.ts';
import { connect, discover } from './client.ts';
import { createMcpServer } from './server.ts';

/** An MCP server, and an agent that finds out what it needs there: see README.md beside this. */
await using stage = await openStage();
const { url } = await stage.api('Weather', createMcpServer, '/mcp');
const rights = { permissions: ['weather:read'], tools: ['forecast', 'set-alarm'] };
const agent = await stage.agent('Traveller', rights);

const wanted = await discover(url, agent);
tell(`the MCP server wants ${wanted.scope} for ${wanted.audience === url ? 'itself' : wanted.audience}`);
const task = await agent.task({ ...wanted, description: 'Plan a picnic', tools: ['forecast'] });
const client = await connect(url, task);

const { tools } = await client.listTools();
tell(`it offers ${tools.map(({ name }) => name).join(' and ')}`);
const { content } = await client.callTool({ name: 'forecast', arguments: { city: 'Lisbon' } });
tell(JSON.stringify(content));

const alarm = client.callTool({ name: 'set-alarm', arguments: { city: 'Lisbon' } });
const refused = await alarm.then(
  () => 'not refused',
  (error: Error) => /"code":"\w+"/.exec(error.message)?.[0],
);
tell(`a tool that the task was not granted: ${refused}`);

const batch = [{ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'set-alarm', arguments: {} } }];
const json = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };
const hidden = task.fetch(url, { method: 'POST', headers: json, body: JSON.stringify(batch) });
await answers('a call that is hidden in a batch', 400, hidden);

const headers = { ...json, ...(await task.headers('POST', url)) };
await client.close();
await task.complete();
const after = await untilRefused(() => fetch(url, { method: 'POST', headers, body: '{}' }));
tell(`the task is completed: 401 after ${after} ms`);
await answers('nobody gets in', 401, fetch(url, { method: 'POST' }));
