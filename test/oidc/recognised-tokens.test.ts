import { createPrivateKey, type JsonWebKey } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { decodeJwt, decodeProtectedHeader, SignJWT } from 'jose';
import knexLibrary from 'knex';
import { type AgentParty, registerAgent } from '../support/parties.ts';
import { createDatabase, type TestDatabase } from '../support/postgres.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { introspect, open } from '../support/token-requests.ts';

/** JWTs are recognised by the digest of the very characters that were issued (ADR 15). */
describe('recognising our own JWTs', () => {
  let database: TestDatabase;
  let server: TestServer;
  let agent: AgentParty;
  let rows: ReturnType<typeof knexLibrary.default>;
  beforeAll(async () => {
    database = await createDatabase();
    server = await startServer({ env: { DATABASE_URL: database.url } });
    agent = await registerAgent(server);
    rows = knexLibrary.default({ client: 'pg', connection: database.url });
  });
  afterAll(async () => {
    await rows.destroy();
    await server.stop();
    await database.drop();
  });

  test('another JWT under our own key is not ours, although its signature and its jti are right', async () => {
    const { token } = await open(server, agent);
    const [stolen] = server.taskgrant.keyring.privateJwks().keys;
    const forge = (claims: object) =>
      new SignJWT({ ...decodeJwt(token), ...claims })
        .setProtectedHeader({ ...decodeProtectedHeader(token), alg: 'ES256' })
        .sign(createPrivateKey({ key: stolen as JsonWebKey, format: 'jwk' }));
    const again = await forge({});
    expect(await server.taskgrant.context.signer.verify(again)).toMatchObject({ jti: decodeJwt(token).jti });
    expect(await introspect(server, agent, again)).toEqual({ active: false });
    expect(await introspect(server, agent, await forge({ scope: 'admin:write' }))).toEqual({
      active: false,
    });
    expect((await introspect(server, agent, token)).active).toBe(true);
  });

  test('what was issued before digests were kept is recognised by its signature', async () => {
    const { token, tokenId } = await open(server, agent);
    expect(await rows('tokens').where({ token_id: tokenId }).update({ jwt_digest: null })).toBe(1);
    expect((await introspect(server, agent, token)).active).toBe(true);
    const [head, , signature] = token.split('.');
    const wider = Buffer.from(JSON.stringify({ ...decodeJwt(token), scope: 'admin:write' })).toString(
      'base64url',
    );
    expect(await introspect(server, agent, `${head}.${wider}.${signature}`)).toEqual({ active: false });
  });
});
