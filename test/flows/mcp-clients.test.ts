import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { auth, extractWWWAuthenticateParams } from '@modelcontextprotocol/sdk/client/auth.js';
import { decodeJwt } from 'jose';
import { browserOf } from '../support/browser-session.ts';
import { ordinaryMcpClient } from '../support/ordinary-mcp-client.ts';
import { createPerson } from '../support/parties.ts';
import { bearer, send } from '../support/requests.ts';
import { startServer, type TestServer } from '../support/server.ts';

const PATH = '/api/oauth/protected';

let server: TestServer;
beforeAll(async () => {
  // As in config/development.json: it knows more than whoever registers itself may have.
  const scopes = ['example:read', 'reports:read', 'reports:write', '*:*:*'];
  const example = { name: 'example', audiences: [`{issuer}${PATH}`], scopes, tokenFormat: 'jwt' };
  server = await startServer({ settings: { resourceServers: [example] } });
});
afterAll(() => server.stop());

describe('a client of the MCP SDK that knows an API by its address alone', () => {
  // MCP authorization, scope selection: what the challenge names, else all of scopes_supported; nothing less.
  test.each(['the challenge', 'the metadata'])('gets a token for the scopes that %s names', async (where) => {
    const serverUrl = `${server.issuer}${PATH}`;
    const provider = ordinaryMcpClient();
    const challenge = where === 'the challenge' ? await challengeOf(serverUrl) : {};
    expect(await auth(provider, { serverUrl, ...challenge })).toBe('REDIRECT');

    const back = await browserOf(server, await createPerson(server)).allow(provider.opened[0] ?? '');
    const authorizationCode = back.searchParams.get('code') ?? back.href;
    expect(await auth(provider, { serverUrl, authorizationCode, ...challenge })).toBe('AUTHORIZED');
    const tokens = await provider.tokens();
    expect(tokens).toMatchObject({ scope: 'example:read reports:read' });

    // The SDK keeps no member of the answer that it does not know, such as `task_id`.
    const { task } = decodeJwt<{ task: { id: string } }>(tokens?.access_token ?? '');
    const headers = { ...bearer(tokens?.access_token ?? ''), 'x-task-id': task.id };
    expect((await send(server, PATH, { headers })).status).toBe(200);
  });
});

async function challengeOf(url: string) {
  const { scope, resourceMetadataUrl } = extractWWWAuthenticateParams(await fetch(url));
  return { ...(scope ? { scope } : {}), ...(resourceMetadataUrl ? { resourceMetadataUrl } : {}) };
}
