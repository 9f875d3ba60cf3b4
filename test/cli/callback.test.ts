import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { describe, expect, test } from '@jest/globals';
import { awaitCallback } from '../../src/cli/login/callback.ts';

const ISSUER = 'https://auth.example.com';

const listening = () => awaitCallback({ port: 0, state: 'ours', issuer: ISSUER, timeoutMs: 5000 });

const answer = (redirectUri: string, parameters: Record<string, string>) =>
  fetch(`${redirectUri}?${new URLSearchParams(parameters).toString()}`);

describe('the loopback callback', () => {
  test('takes the code of the right answer', async () => {
    const callback = await listening();
    expect(callback.redirectUri).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/callback$/);
    await answer(callback.redirectUri, { code: 'abc', state: 'ours', iss: ISSUER });
    expect(await callback.code).toBe('abc');
    callback.close();
  });

  test('goes on waiting when a stranger calls', async () => {
    const callback = await listening();
    const strange = await answer(callback.redirectUri, { code: 'theirs', state: 'other', iss: ISSUER });
    expect(strange.status).toBe(404);
    expect((await fetch(new URL('/favicon.ico', callback.redirectUri))).status).toBe(404);
    await answer(callback.redirectUri, { code: 'abc', state: 'ours', iss: ISSUER });
    expect(await callback.code).toBe('abc');
    callback.close();
  });

  test('survives a request whose target is no URL', async () => {
    const callback = await listening();
    const { port } = new URL(callback.redirectUri);
    const socket = connect(Number(port), '127.0.0.1');
    socket.end('GET //[ HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n');
    expect(await text(socket)).toMatch(/^HTTP\/1.1 404 /);
    await answer(callback.redirectUri, { code: 'abc', state: 'ours', iss: ISSUER });
    expect(await callback.code).toBe('abc');
    callback.close();
  });

  test.each([
    [
      'another issuer (RFC 9207)',
      { code: 'abc', state: 'ours', iss: 'https://evil.example' },
      /another server/,
    ],
    ['no issuer', { code: 'abc', state: 'ours' }, /another server/],
    ['a refusal', { error: 'access_denied', state: 'ours', iss: ISSUER }, /refused: access_denied/],
    ['no code', { state: 'ours', iss: ISSUER }, /no code/],
  ])('refuses %s', async (_, parameters, problem) => {
    const callback = await listening();
    const refused = await answer(callback.redirectUri, parameters);
    expect(refused.status).toBe(400);
    await expect(callback.code).rejects.toThrow(problem);
    callback.close();
  });
});
