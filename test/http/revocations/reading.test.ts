import { describe, expect, test } from '@jest/globals';
import { browserOf } from '../../support/browser-session.ts';
import { authorize, CALLBACK } from '../../support/code-flow.ts';
import type { FeedRow } from '../../support/feed-follower.ts';
import { administer, createPerson, registerAgent } from '../../support/parties.ts';
import { send } from '../../support/requests.ts';
import { derive, open, revoke } from '../../support/token-requests.ts';
import { handleOf, revocationsScene } from './scene.ts';

const { on, page, endTask, aRevokedTask } = revocationsScene();

describe('reading what was revoked', () => {
  test('every way to end something is a row with the handle that tokens carry', async () => {
    const before = (await page()).head;
    const person = await createPerson(on.server);
    const browser = browserOf(on.server, person);
    const web = await registerAgent(on.server, {
      redirect_uris: [CALLBACK],
      grant_types: ['authorization_code'],
    });
    const approved = await authorize(on.server, { agent: web, browser, form: { scope: 'reports:read' } });
    const [task, whole, alone] = [
      await open(on.server, on.agent),
      await open(on.server, on.agent),
      await open(on.server, on.agent),
    ];
    await endTask(task);
    await revoke(on.server, on.agent, whole.token);
    await revoke(on.server, on.agent, alone.token, { revoke_children: 'false' });
    const { grant } = approved.body.task;
    await administer(on.server, 'POST', `/api/admin/users/${person.userId}/consents/${grant}/revoke`, {});
    await administer(on.server, 'POST', `/api/agents/${web.clientId}/suspend`, {});
    await administer(on.server, 'POST', `/api/admin/users/${person.userId}/disable`, {});

    const { revocations, next, head, at } = await page(`?after=${before}`);
    expect(revocations.map(([, ...row]) => row)).toEqual([
      ['task', handleOf(task), 0],
      ['token', whole.tokenId, 0],
      ['token_self', alone.tokenId, 0],
      ['grant', grant, 0],
      ['agent', web.clientId, 1],
      ['user', person.userId, expect.any(Number)],
    ]);
    expect([next, head]).toEqual([revocations.at(-1)?.[0], revocations.at(-1)?.[0]]);
    expect(Math.abs(at - Date.now())).toBeLessThan(60_000);
  });

  test('page by page from the first is all there is, in its order, and is never cached', async () => {
    for (let i = 0; i < 4; i += 1) await aRevokedTask();
    const all = await page();
    const paged: FeedRow[] = [];
    for (let next = 0, head = -1; next !== head; ) {
      const part = await page(`?after=${next}&limit=3`);
      expect(part.revocations.length).toBeLessThanOrEqual(3);
      paged.push(...part.revocations);
      ({ next, head } = part);
    }
    expect(paged).toEqual(all.revocations);
    expect(paged.map(([seq]) => seq)).toEqual(paged.map(([seq]) => seq).toSorted((a, b) => a - b));
    const answer = await send(on.server, '/api/revocations', { headers: on.api.headers });
    expect(answer.headers.get('cache-control')).toBe('no-store');
  });

  test('one row ends a whole tree, and nothing is written for what is below', async () => {
    const root = await open(on.server, on.agent);
    const child = await derive(on.server, root);
    await derive(on.server, child);
    const { head } = await page();
    await endTask(root);
    expect((await page(`?after=${head}`)).revocations.map(([, ...row]) => row)).toEqual([
      ['task', handleOf(root), 0],
    ]);
  });

  test('a place beyond the end is of another ledger: the answer begins anew', async () => {
    const all = await page();
    expect(await page('?after=999999')).toMatchObject({ revocations: all.revocations, next: all.next });
    const part = await page('?after=999999&limit=2');
    expect(part.revocations).toEqual(all.revocations.slice(0, 2));
    expect(part.next).toBeLessThan(part.head);
  });

  test.each([
    '?after=-1',
    '?after=x',
    // What JavaScript takes for a number: nothing would be the beginning of the ledger.
    '?after=',
    '?after=0x10',
    '?after=1e3',
    '?limit=0',
    '?limit=10001',
    '?limit=%2B1',
    '?wait=26',
    '?since=1',
  ])('%s is refused', async (query) => {
    const answer = await send(on.server, `/api/revocations${query}`, { headers: on.api.headers });
    expect(answer).toMatchObject({ status: 400, body: { code: 'request_invalid' } });
  });
});
