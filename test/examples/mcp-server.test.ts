import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { UnauthorizedError } from '@modelcontextprotocol/sdk/client/auth.js';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { createMcpServer } from '../../examples/mcp-server/server.ts';
import { type BrowserSession, browserOf } from '../support/browser-session.ts';
import { ordinaryMcpClient } from '../support/ordinary-mcp-client.ts';
import { administer, createPerson, registerResourceServer } from '../support/parties.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { runReadme } from './run-readme.ts';

let server: TestServer;
beforeAll(async () => {
  const registration = { defaultPermissions: ['weather:read'] };
  const scopes = { 'weather:read': { description: 'Ask for the weather' } };
  server = await startServer({ settings: { registration, scopes } });
});
afterAll(() => server.stop());

test('an MCP server lets a task call the tools that it was granted', async () => {
  const told = await runReadme('mcp-server', server);
  expect(told).toMatch(/^it offers forecast and set-alarm$/m);
  expect(told).toMatch(/^a call that is hidden in a batch: 400$/m);
  const { tasks } = await administer(server, 'GET', '/api/admin/tasks?state=completed');
  expect(tasks).toContainEqual(
    expect.objectContaining({ description: 'Plan a picnic', scope: 'weather:read', tools: ['forecast'] }),
  );
});

/** The MCP server of the example, on a port of its own. */
async function listening() {
  const http = createServer();
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}/mcp`;
  const { clientId, clientSecret } = await registerResourceServer(server, { audiences: [url] });
  const credentials = { clientId, clientSecret };
  const api = createMcpServer({ issuer: server.issuer, audience: url, credentials });
  http.on('request', api.listener);
  return {
    url,
    async stop() {
      api.close();
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
    },
  };
}

/** Connects; signs the person in first, as the client wants to. */
async function signIn(
  url: string,
  authProvider: ReturnType<typeof ordinaryMcpClient>,
  person: BrowserSession,
) {
  const client = () => new Client({ name: 'ordinary', version: '1.0.0' });
  const transport = new StreamableHTTPClientTransport(new URL(url), { authProvider });
  await expect(client().connect(transport)).rejects.toThrow(UnauthorizedError);
  const asked = authProvider.opened.at(-1);
  expect(asked?.searchParams.get('resource')).toBe(url);
  const back = await person.allow(asked ?? '');
  await transport.finishAuth(back.searchParams.get('code') ?? '');
  const connected = client();
  await connected.connect(new StreamableHTTPClientTransport(new URL(url), { authProvider }));
  return connected;
}

test('an ordinary MCP client signs its person in, and calls the tools that it was allowed', async () => {
  const { url, stop } = await listening();
  try {
    const person = browserOf(server, await createPerson(server, { permissions: ['weather:read'] }));
    const provider = ordinaryMcpClient();
    const forecast = { name: 'forecast', arguments: { city: 'Lisbon' } };

    const before = await signIn(url, provider, person);
    expect((await before.listTools()).tools.map(({ name }) => name)).toEqual(['forecast', 'set-alarm']);
    await expect(before.callTool(forecast)).rejects.toThrow('tool_not_granted');
    await before.close();

    const { client_id: id = '' } = (await provider.clientInformation()) ?? {};
    await administer(server, 'PUT', `/api/agents/${id}`, { allowed_tools: ['forecast'] });
    await provider.invalidateCredentials?.('tokens');
    const after = await signIn(url, provider, person);
    const { content } = await after.callTool(forecast);
    expect(JSON.stringify(content)).toContain(`Asked by ${id}`);
    await after.close();
  } finally {
    await stop();
  }
});
