import { expect, test } from '@jest/globals';
import { isPostgres } from '../../../src/store/sql/statements.ts';
import { anEvent } from '../../support/fixtures.ts';
import { attempted, miss, webhooksOnEveryDatabase } from './scene.ts';

webhooksOnEveryDatabase(({ open, outbox, change, tell, register, logOf, dueSeqs, claim }) => {
  test('what a deleted webhook still had to be told is gone, what it was told is kept', async () => {
    const webhook = await register();
    await tell(anEvent({ clientId: 'a' }));
    const claimed = await claim();
    await outbox().settle(claimed.map((one) => attempted(one)));
    await tell(anEvent({ clientId: 'b' }));
    await change({ do: 'delete_webhook', id: webhook.id, miss });
    expect(await logOf(webhook)).toMatchObject([{ state: 'delivered' }]);
    expect(await dueSeqs()).toEqual([]);
  });

  test('an event that is not kept any more is given up', async () => {
    const webhook = await register();
    const event = anEvent();
    await tell(event);
    await open().knex('audit_events').where({ id: event.id }).delete();
    expect(await claim()).toEqual([]);
    expect(await logOf(webhook)).toMatchObject([{ state: 'dead', error: 'its event is not kept any more' }]);
  });

  test('claims of a process that is gone are released where no other one can hold them', async () => {
    await register();
    await tell(anEvent());
    expect(await claim()).toHaveLength(1);
    expect(await dueSeqs()).toEqual([]);
    await outbox().releaseAll?.();
    expect(await dueSeqs()).toHaveLength(isPostgres(open().knex) ? 0 : 1);
  });
});
