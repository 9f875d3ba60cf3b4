import { openStage } from '../stage/stage.ts';
import { answers, tell, untilRefused } from '../stage/telling.ts';
import { createApi } from './api.ts';

/** A Koa API and an agent whose tokens are bound to a key: see README.md beside this. */
await using stage = await openStage();
const { url } = await stage.api('Reports', createApi);
const rights = { permissions: ['reports:read'], tools: ['export', 'print'] };
const agent = await stage.agent('Reporter', rights, { dpop: true });
const careless = await stage.agent('Careless', rights);

const terms = { scope: 'reports:read', audience: url };
await careless.task({ ...terms, description: 'Read without a key' }, (task) =>
  answers('a bearer token', 401, task.fetch(`${url}/today`)),
);

const task = await agent.task({ ...terms, tools: ['export'], description: 'Send the report of today' });
await answers('a bound token with its proof', 200, task.fetch(`${url}/today`));
await answers('the tool that was granted', 200, task.fetch(`${url}/export`));

const stolen = await task.headers('GET', `${url}/today`);
await answers('a request', 200, fetch(`${url}/today`, { headers: stolen }));
await answers('the same request again, by whoever saw it', 401, fetch(`${url}/today`, { headers: stolen }));
const { dpop: _proof, ...tokenAlone } = stolen;
await answers('the token without a proof', 401, fetch(`${url}/today`, { headers: tokenAlone }));

await agent.task({ ...terms, tools: ['print'], description: 'Print the report' }, (printing) =>
  answers('a tool that was not granted', 403, printing.fetch(`${url}/export`)),
);

const late = await Promise.all(Array.from({ length: 100 }, () => task.headers('GET', `${url}/today`)));
await task.complete();
// Each with a proof of its own: only the token is refused.
const after = await untilRefused(() => fetch(`${url}/today`, { headers: late.pop() ?? {} }));
tell(`completed: 401 after ${after} ms`);
