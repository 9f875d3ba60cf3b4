import { describe, expect, test } from '@jest/globals';
import { type ApiDocument, describedBy } from '../support/described-answers.ts';

const document: ApiDocument = {
  paths: {
    '/things/{id}': {
      get: {
        responses: {
          200: {
            headers: { 'X-Request-ID': { $ref: '#/components/headers/X-Request-ID' } },
            content: { 'application/json': { schema: { $ref: '#/components/schemas/Thing' } } },
          },
          204: {},
        },
      },
    },
  },
  components: {
    headers: { 'X-Request-ID': { required: true, schema: { type: 'string' } } },
    schemas: {
      Thing: {
        type: 'object',
        required: ['id', 'made_at'],
        properties: { id: { type: 'string' }, made_at: { type: 'string', format: 'date-time' } },
        additionalProperties: false,
      },
      Problem: { type: 'object', required: ['code'] },
      OAuthError: { type: 'object', required: ['error'] },
    },
  },
};

const good = {
  method: 'GET',
  path: '/things/a',
  status: 200,
  headers: { 'x-request-id': '1', 'content-type': 'application/json; charset=utf-8' },
  body: { id: 'a', made_at: '2026-11-21T00:00:00.000Z' },
};
const problem = { ...good.headers, 'content-type': 'application/problem+json' };

describe('holding answers to the description', () => {
  const check = describedBy(document);

  test('finds nothing wrong with what is described', () => {
    expect(check(good)).toEqual([]);
    expect(check({ ...good, body: JSON.stringify(good.body) })).toEqual([]);
    expect(check({ ...good, method: 'HEAD' })).toEqual([]);
    expect(check({ ...good, status: 204, body: null, headers: {} })).toEqual([]);
    const nowhere = { ...good, path: '/nowhere', status: 404, headers: problem, body: { code: 'not_found' } };
    expect(check(nowhere)).toEqual([]);
  });

  test.each([
    ['a member too many', { body: { ...good.body, more: 1 } }, /additional properties/],
    ['a member too few', { body: { id: 'a' } }, /required property/],
    ['another type of member', { body: { ...good.body, id: 1 } }, /must be string/],
    ['another format', { body: { ...good.body, made_at: 'yesterday' } }, /must match format/],
    ['another status', { status: 201 }, /not described/],
    ['another content type', { headers: { ...good.headers, 'content-type': 'text/plain' } }, /its type is/],
    ['a missing field', { headers: { 'content-type': 'application/json' } }, /X-Request-ID is missing/],
    ['a body where there is none', { status: 204 }, /has a body/],
    ['a path that succeeds undescribed', { path: '/nowhere' }, /not described/],
    ['a method that succeeds undescribed', { method: 'POST' }, /not described/],
  ])('tells of %s', (_what, change, fault) => {
    expect(check({ ...good, ...change }).join()).toMatch(fault);
  });
});
