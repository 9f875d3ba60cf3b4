import { describe, expect, test } from '@jest/globals';
import { pkce } from '../../support/parties.ts';
import { setPolicies } from '../../support/policies.ts';
import { clientCredentials, derive, handOff, open, tokenExchange } from '../../support/token-requests.ts';
import { DENIED, policiesScene, RULE } from './scene.ts';

const { on, refresh, join } = policiesScene();

describe('hours', () => {
  /** Every day from so many minutes before now to so many after. */
  function around(before: number, after: number, more: object = {}) {
    const clock = (minutes: number) =>
      new Date(on.server.clock.now() + minutes * 60_000).toISOString().slice(11, 16);
    return {
      ...RULE,
      kind: 'allowed_hours',
      effect: 'allow',
      timeZone: 'UTC',
      hours: [
        {
          weekdays: ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'],
          from: clock(-before),
          to: clock(after),
        },
      ],
      ...more,
    };
  }

  test('outside of them nothing is issued, whichever way it is asked for', async () => {
    const office = around(60, 5);
    setPolicies(on.server, [office]);
    const task = await open(on.server, on.agent, { delegates: on.other.clientId });
    on.server.clock.advance(6 * 60);
    // A hand-off token lives for two minutes only: this one was made where the hours did not count.
    setPolicies(on.server, []);
    const voucher = await handOff(on.server, task, on.other);
    setPolicies(on.server, [office]);
    const asked = [
      clientCredentials(on.server, on.agent, pkce().parameters),
      tokenExchange(on.server, on.agent, task.token, { code_verifier: task.verifier }),
      tokenExchange(on.server, on.agent, task.token, {
        delegate_to: on.other.clientId,
        code_verifier: task.verifier,
      }),
      tokenExchange(on.server, on.other, voucher, pkce().parameters),
      join(task),
      refresh(task),
    ];
    for (const answer of await Promise.all(asked)) expect(answer).toMatchObject(DENIED);
    setPolicies(on.server, [around(5, 60)]);
    expect((await join(task)).status).toBe(200);
    // A refusal used nothing up.
    expect((await refresh(task)).status).toBe(200);
  });

  test('a time that is kept free may be for some steps and tiers only', async () => {
    const task = await open(on.server, on.agent);
    const closed = (match: object) => setPolicies(on.server, [around(5, 60, { effect: 'deny', match })]);
    closed({ steps: ['open'] });
    expect(await clientCredentials(on.server, on.agent, pkce().parameters)).toMatchObject(DENIED);
    expect((await derive(on.server, task)).body.parent_task_id).toBe(task.taskId);
    closed({ tiers: ['pro'] });
    expect((await clientCredentials(on.server, on.agent, pkce().parameters)).status).toBe(200);
    closed({ tiers: ['free'] });
    expect(await clientCredentials(on.server, on.agent, pkce().parameters)).toMatchObject(DENIED);
  });
});
