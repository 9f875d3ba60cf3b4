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

  test('is refused as an absolute request target', async () => {
    if (!app().server.listening) await new Promise<void>((done) => app().server.listen(0, () => done()));
    const { port } = app().server.address() as AddressInfo;
    const answer = await new Promise<string>((done, failed) => {
      const socket = connect(port, '127.0.0.1', () =>
        socket.write(
          'POST http://evil.example/api/oauth/token HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
        ),
      );
      let text = '';
      socket.on('data', (chunk) => (text += chunk.toString()));
      socket.on('end', () => done(text));
      socket.on('error', failed);
    });
    expect(answer).toMatch(/^HTTP\/1.1 400 /);
    expect(answer).not.toContain('evil.example');
    await new Promise((done) => app().server.close(done));
  });
});
