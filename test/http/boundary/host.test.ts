import { connect } from 'node:net';
import type { AddressInfo } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import request from 'supertest';
import { ISSUER } from '../../support/app-context.ts';
import { echoingApp } from './echoing-app.ts';

const { app } = echoingApp();

describe('a hostile Host header', () => {
  test('never reaches a URL', async () => {
    const answer = await request(app().server)
      .post('/api/oauth/token')
      .set({ Host: 'evil.example', 'X-Forwarded-Host': 'evil.example', 'X-Forwarded-Proto': 'http' });
    const { host, href, secure } = answer.body;
    expect({ host, href, secure }).toEqual({
      host: 'auth.example.com',
      href: `${ISSUER}/api/oauth/token`,
      secure: true,
    });
  });

  const TOKEN = '/api/oauth/token';
  test.each([
    ['as an absolute request target', `http://evil.example${TOKEN}`, ['Host: a']],
    ['beside another one', TOKEN, ['Host: a', 'host: evil.example']],
    ['beside itself', TOKEN, ['Host: evil.example', 'HOST: evil.example']],
    ['as one with a path', TOKEN, ['Host: evil.example/a']],
    ['as one with a space', TOKEN, ['Host: a evil.example']],
    ['as a list', TOKEN, ['Host: a, evil.example']],
  ])('is refused %s (RFC 9112 §3.2)', async (_how, target, hosts) => {
    const answer = await answerTo([`POST ${target} HTTP/1.1`, ...hosts, 'Connection: close']);
    expect(answer).toMatch(/^HTTP\/1.1 400 /);
    expect(answer).not.toContain('evil.example');
  });

  test.each(['[::1]:3000', 'auth_1.example.com:80', 'xn--bcher-kva.example', ''])(
    'is taken where it is one: %j',
    async (host) => {
      const answer = await answerTo(['GET /health/live HTTP/1.1', `Host: ${host}`, 'Connection: close']);
      expect(answer).toMatch(/^HTTP\/1.1 200 /);
    },
  );

  async function answerTo(head: readonly string[]): Promise<string> {
    const { server } = app();
    if (!server.listening) await new Promise<void>((done) => server.listen(0, () => done()));
    const { port } = server.address() as AddressInfo;
    const answer = await new Promise<string>((done, failed) => {
      const socket = connect(port, '127.0.0.1', () => socket.write(`${head.join('\r\n')}\r\n\r\n`));
      let text = '';
      socket.on('data', (chunk) => (text += chunk.toString()));
      socket.on('end', () => done(text));
      socket.on('error', failed);
    });
    await new Promise((done) => server.close(done));
    return answer;
  }
});
