import { describe, expect, test } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import request from 'supertest';
import { DOMAIN_ERROR_CODES } from '../../../src/domain/errors.ts';
import { echoingApp } from './echoing-app.ts';

const { app, logged } = echoingApp();

describe('answering', () => {
  test('echoes a sane request id and replaces any other', async () => {
    const sane = await request(app().server).get('/health/live').set('X-Request-ID', 'trace-1.a_b');
    const odd = await request(app().server).get('/health/live').set('X-Request-ID', 'a b<script>');
    expect(sane.headers['x-request-id']).toBe('trace-1.a_b');
    expect(odd.headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
  });

  test('carries security headers and is never stored', async () => {
    const { headers } = await app().send('get', '/api/broken/extra');
    expect(headers).toMatchObject({
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'content-security-policy': "default-src 'none';frame-ancestors 'none';base-uri 'none'",
    });
    expect(headers['strict-transport-security']).toContain('max-age=');
  });

  test('leaves members behind that were not declared', async () => {
    const answer = await app().send('get', '/api/broken/extra');
    expect(answer.body).toEqual({ seen: 'right' });
  });

  const OWN_CODES = DOMAIN_ERROR_CODES.filter((code) => code !== 'caller_revoked');
  test.each(OWN_CODES)('maps the refusal %s', async (code) => {
    const answer = await app().send('get', `/api/broken/${code}`);
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(answer.status).toBeLessThan(500);
    expect(answer.body).toMatchObject({ code, detail: 'refused by the rules', hint: 'public' });
  });

  test('answers a caller that was revoked meanwhile as one that had been revoked before', async () => {
    const answer = await app().send('get', '/api/broken/caller_revoked');
    expect(answer).toMatchObject({ status: 401, body: { code: 'invalid_token' } });
    expect(answer.headers['www-authenticate']).toContain('error="invalid_token"');
  });

  test.each(['undeclared', 'surprise'])(
    'says nothing about a failure (%s), logs and audits it',
    async (how) => {
      app().clock.advance(60);
      const answer = await app().send('get', `/api/broken/${how}`);
      expect([answer.status, answer.body.code]).toEqual([500, 'server_error']);
      expect(answer.text).not.toMatch(/hunter2|sein/);
      const [event] = await app().events('server_error');
      expect(event).toMatchObject({ outcome: 'error', requestId: answer.body.request_id });
      expect(logged.some(({ fields }) => fields['request_id'] === answer.body.request_id)).toBe(true);
    },
  );

  test.each(['overload', 'queue'])('asks to come back when the server is overloaded (%s)', async (how) => {
    const answer = await app().send('get', `/api/broken/${how}`);
    expect([answer.status, answer.headers['retry-after']]).toEqual([503, '1']);
  });

  test('writes one line per request, without its query', async () => {
    logged.length = 0;
    await app().send('post', '/api/echo/a?secret=in-the-query', { body: { text: 'x' } });
    const lines = logged.filter(({ message }) => message === 'request');
    expect(lines).toHaveLength(1);
    expect(lines[0]?.fields).toMatchObject({ method: 'POST', path: '/api/echo/a', status: 400 });
    expect(JSON.stringify(lines)).not.toContain('in-the-query');
  });

  test.each(['/api/admin/tokens/T', '/api/admin/tokens/T/revoke', '/elsewhere/T'])(
    'writes no token that somebody took for its id (%s)',
    async (path) => {
      logged.length = 0;
      const token = randomBytes(32).toString('base64url');
      await app().send('post', path.replace('T', token));
      const lines = logged.filter(({ message }) => message === 'request');
      expect(lines.map(({ fields }) => fields['path'])).toEqual([path.replace('T', '[redacted]')]);
    },
  );
});

describe('health', () => {
  test('tells a live process from a ready one', async () => {
    expect((await app().send('get', '/health/live')).body).toEqual({ status: 'ok' });
    expect((await app().send('get', '/health/ready')).body).toEqual({ status: 'ok', database: 'ok' });
    expect((await app().send('get', '/health')).status).toBe(200);
  });
});
