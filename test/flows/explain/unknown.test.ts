import { describe, expect, test } from '@jest/globals';
import { asAdmin } from '../../support/parties.ts';
import { send } from '../../support/requests.ts';
import { open } from '../../support/token-requests.ts';
import { explainScene } from './scene.ts';

const { on } = explainScene();

describe('what is not known', () => {
  test.each([['unknown'], ['__proto__'], ['constructor']])('a token that never was: %s', async (id) => {
    const answer = await asAdmin(on.server, 'GET', `/api/admin/explain/${id}`);
    expect([answer.status, answer.body.code]).toEqual([404, 'not_found']);
  });

  test.each([[`${'x'.repeat(129)}`], ['%C3%BC'], ['a%20b']])('no id at all: %s', async (id) => {
    const answer = await asAdmin(on.server, 'GET', `/api/admin/explain/${id}`);
    expect([answer.status, answer.body.code]).toEqual([400, 'request_invalid']);
  });

  test('nobody but administrators may ask', async () => {
    const task = await open(on.server, on.helper);
    const path = `/api/admin/explain/${task.tokenId}`;
    expect((await send(on.server, path)).status).toBe(401);
    const own = await send(on.server, path, { headers: { authorization: `Bearer ${task.token}` } });
    expect(own.status).toBe(401);
  });
});
