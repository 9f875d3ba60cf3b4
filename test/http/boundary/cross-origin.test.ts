import { describe, expect, test } from '@jest/globals';
import request from 'supertest';
import { echoingApp } from './echoing-app.ts';

const { app } = echoingApp();

describe('cross-origin requests (T10, S9)', () => {
  test.each([
    '/api/oauth/token',
    '/api/oauth/par',
    '/api/oauth/register',
    '/api/oauth/revoke',
    '/api/oauth/userinfo',
    '/api/oauth/jwks',
    '/.well-known/oauth-authorization-server',
    '/.well-known/oauth-protected-resource',
  ])('are allowed to %s', async (path) => {
    const answer = await request(app().server).options(path).set('Origin', 'https://app().example');
    expect(answer.status).toBe(204);
    expect(answer.headers['access-control-allow-origin']).toBe('*');
    expect(answer.headers['access-control-allow-headers']).toMatch(/MCP-Protocol-Version/);
    expect(answer.headers['access-control-allow-headers']).toMatch(/DPoP/);
  });

  test.each(['/api/oauth/authorize', '/interaction/abc', '/api/oauth/introspect', '/api/admin/tokens'])(
    'are not allowed to %s',
    async (path) => {
      const answer = await request(app().server).options(path).set('Origin', 'https://app().example');
      expect(answer.headers).not.toHaveProperty('access-control-allow-origin');
    },
  );
});
