import { describe, expect, test } from '@jest/globals';
import request from 'supertest';
import { echoingApp } from './echoing-app.ts';

const { app } = echoingApp();

describe('reading a request', () => {
  test('takes JSON and forms alike', async () => {
    const json = await app().send('post', '/api/echo/a?loud=true', { body: { text: 'hi', times: 2 } });
    const form = await app().send('post', '/echo/a', { form: 'text=hi&times=2' });
    expect([json.body.seen, form.body.seen]).toEqual(['a hihi!', 'a hihi']);
  });

  test('decodes a slash only within a parameter', async () => {
    const answer = await app().send('post', '/api/echo/a%2Fb', { body: { text: 'hi' } });
    expect(answer.body.seen).toBe('a/b hi');
  });

  test('lists every fault at once, unknown members among them', async () => {
    const answer = await app().send('post', '/api/echo/123456789?loud=maybe&quiet=1', {
      body: { txt: 'hi' },
    });
    expect(answer.status).toBe(400);
    const faults = answer.body.faults.map(
      (fault: { in: string; path: string }) => `${fault.in} ${fault.path}`,
    );
    expect(faults).toEqual(['params id', 'query loud', 'query quiet', 'body text', 'body txt']);
  });

  test.each([
    [
      'a repeated query parameter',
      '/api/echo/a?loud=true&loud=false',
      'application/json',
      '{"text":"x"}',
      400,
    ],
    ['a repeated form parameter', '/api/echo/a', 'application/x-www-form-urlencoded', 'text=a&text=b', 400],
    ['malformed JSON', '/api/echo/a', 'application/json', '{"text":', 400],
    ['JSON that is no object', '/api/echo/a', 'application/json', '["text"]', 400],
    ['another content type', '/api/echo/a', 'text/plain', 'text=a', 415],
    ['another charset', '/api/echo/a', 'application/json; charset=utf-16', '{"text":"x"}', 415],
    ['a body over the limit', '/api/echo/a', 'application/json', `{"text":"${'x'.repeat(3000)}"}`, 413],
    ['a prototype in JSON', '/api/echo/a', 'application/json', '{"text":"x","__proto__":{"a":1}}', 400],
  ])('refuses %s', async (_, path, type, text, status) => {
    const answer = await request(app().server).post(path).set('Content-Type', type).send(text);
    expect([answer.status, answer.type]).toEqual([status, 'application/problem+json']);
  });

  test('refuses a method that the path does not have and names those it has', async () => {
    const answer = await app().send('put', '/api/echo/a');
    expect([answer.status, answer.headers['allow']]).toEqual([405, 'POST, OPTIONS']);
    const engine = await app().send('get', '/api/oauth/token');
    expect([engine.status, engine.headers['allow']]).toEqual([405, 'POST']);
  });
});

describe('one spelling per path', () => {
  test.each([
    '/api/nothing',
    '/api/echo/a/',
    '/api//echo/a',
    '/API/echo/a',
    '/api/./echo/a',
    '/api/%65cho/a',
    '/api/echo%2fa',
    '/api/echo/%zz',
    '/api/oauth/TOKEN',
    '/api/oauth/token/',
    '/API/OAUTH/TOKEN',
    '/api/oauth/%74oken',
    '/nothing',
  ])('%s is nothing', async (path) => {
    const answer = await request(app().server).post(path).send({ text: 'x' });
    expect([answer.status, answer.body.code]).toEqual([404, 'not_found']);
  });
});
