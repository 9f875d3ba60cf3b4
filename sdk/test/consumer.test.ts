import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type AgentParty, registerAgent } from '../../test/support/parties.ts';
import { startServer, type TestServer } from '../../test/support/server.ts';
import { type Consumer, installPackage, nodesHere } from './support/installed-package.ts';

/** The package in the hands of whoever installs it: packed, unpacked, and used from JavaScript and TypeScript. */
let server: TestServer;
let agent: AgentParty;
let consumer: Consumer;
const NODES = await nodesHere();

const ENTRIES = Object.keys(
  (
    JSON.parse(readFileSync(join(import.meta.dirname, '../package.json'), 'utf8')) as {
      exports: Record<string, unknown>;
    }
  ).exports,
).map((path) => join('@taskgrant/sdk', path));

/** Stricter than most projects are; without the types of a browser. */
const TSCONFIG = {
  compilerOptions: {
    module: 'nodenext',
    moduleResolution: 'nodenext',
    target: 'es2022',
    lib: ['es2024', 'esnext.disposable'],
    types: ['node'],
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    verbatimModuleSyntax: true,
    outDir: 'out',
  },
  include: ['*.ts'],
};

/** Something of every entry, by its type. */
const CONSUMER = `
import { type Admin, createAdmin } from '@taskgrant/sdk/admin';
import { type Agent, createAgent, TaskgrantError } from '@taskgrant/sdk/agent';
import { createAgent as createEdgeAgent } from '@taskgrant/sdk/agent/edge';
import { startTestServer, type TestServer } from '@taskgrant/sdk/dev';
import { Permissions } from '@taskgrant/sdk/permissions';
import { requireSignature, signedFetch } from '@taskgrant/sdk/requests';
import { keysFromFolder } from '@taskgrant/sdk/requests/node';
import { type Access, forFetch, type Guard, protect } from '@taskgrant/sdk/resource';

export const right: 'zendesk:tickets:read' = Permissions.Zendesk.Tickets.Read;
export const agents: Agent[] = [createAgent, createEdgeAgent].map((create) => create({ issuer: 'https://as.example' }));
export const admin: Admin = createAdmin({ issuer: 'https://as.example', clientId: 'a', clientSecret: 'b' });
export const guard: Guard = protect({ issuer: 'https://as.example', audience: 'https://api.example', mode: 'offline' });
export const handler: (request: Request) => Promise<Response> = forFetch(guard, (_request, access: Access) =>
  Response.json({ by: access.clientId }),
);
export const others = { requireSignature, signedFetch, keysFromFolder };
export const start: () => Promise<TestServer> = () => startTestServer();
export const isRefusal = (error: unknown) => error instanceof TaskgrantError && error.taskError !== undefined;
// @ts-expect-error -- an issuer is needed: options are checked
createAgent({});
`;

beforeAll(async () => {
  [server, consumer] = await Promise.all([startServer(), installPackage()]);
  agent = await registerAgent(server);
  const quickStart = readFileSync(join(import.meta.dirname, '../examples/agent.ts'), 'utf8');
  await consumer.write('package.json', JSON.stringify({ type: 'module' }));
  await consumer.write('tsconfig.json', JSON.stringify(TSCONFIG));
  await consumer.write('agent.ts', quickStart);
  await consumer.write('consumer.ts', CONSUMER);
  await consumer.write(
    'imports.js',
    `const names = {};
     for (const entry of ${JSON.stringify(ENTRIES)}) names[entry] = Object.keys(await import(entry)).length;
     console.log(JSON.stringify(names));`,
  );
});
afterAll(() => Promise.all([server.stop(), consumer.remove()]));

test('it brings the licence that it is under', () => {
  const [licence, ours] = [
    join(consumer.directory, 'node_modules/@taskgrant/sdk'),
    join(import.meta.dirname, '../..'),
  ].map((folder) => readFileSync(join(folder, 'LICENSE'), 'utf8'));
  expect(licence).toBe(ours);
});

test('it type-checks and compiles a strict project, its own declarations included', async () => {
  await expect(consumer.compile()).resolves.toBeUndefined();
});

describe.each([...NODES])('on Node %i', (_major, node) => {
  test('every entry is imported from plain JavaScript', async () => {
    const names = JSON.parse(await consumer.node(node, 'imports.js')) as Record<string, number>;
    expect(Object.keys(names)).toEqual(ENTRIES);
    expect(Object.entries(names).filter(([, count]) => count === 0)).toEqual([]);
  });

  test('the first quick start runs as it was compiled', async () => {
    const env = { ISSUER: server.issuer, CLIENT_ID: agent.clientId, CLIENT_SECRET: agent.clientSecret };
    expect(await consumer.node(node, 'out/agent.js', env)).toContain('The token was accepted for this task.');
  });
});
