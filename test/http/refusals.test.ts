import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createRefusalRecorder } from '../../src/app/audit/record-refusal.ts';
import type { UnitOfWork } from '../../src/app/unit-of-work.ts';
import { UnavailableError } from '../../src/domain/unavailable.ts';
import { createTestContext, type TestContext } from '../support/app-context.ts';

const LIMITS = { queue: 50, perSource: 5, perActor: 20, anonymous: 8 };

let made: TestContext;
beforeEach(async () => {
  made = await createTestContext();
});
afterEach(() => made.close());

const from = (sourceIp: string, actor: string | null = null) => ({
  actor,
  origin: { sourceIp, requestId: 'r' },
});
const fact = { type: 'request_refused', reason: 'invalid_token' } as const;

async function stored(type: 'request_refused' | 'refusals_counted') {
  return (await made.store.audit.search({ type }, { limit: 200 })).items;
}

/** Commits, and says of each unit first that it does not know. */
function confirmedSecondly(commit: (unit: UnitOfWork) => Promise<void>, doubt: Error) {
  const known = new Set<string>();
  return async (unit: UnitOfWork) => {
    await commit(unit);
    if (known.has(unit.id)) return;
    known.add(unit.id);
    throw doubt;
  };
}

describe('recording refusals (R15)', () => {
  test('keeps each one of an ordinary source', async () => {
    const recorder = createRefusalRecorder(made.context, LIMITS);
    for (let i = 0; i < 3; i += 1) recorder.record(from('192.0.2.1'), fact);
    await recorder.close();
    expect(await stored('request_refused')).toHaveLength(3);
    expect(await stored('refusals_counted')).toEqual([]);
  });

  test('counts what one source sends beyond its allowance, per minute', async () => {
    const recorder = createRefusalRecorder(made.context, LIMITS);
    for (let i = 0; i < 12; i += 1) recorder.record(from('192.0.2.1'), fact);
    made.clock.advance(60);
    recorder.record(from('192.0.2.1'), fact);
    await recorder.close();
    expect(await stored('request_refused')).toHaveLength(6);
    const [counted] = await stored('refusals_counted');
    expect(counted).toMatchObject({
      sourceIp: '192.0.2.1',
      details: { count: 7, types: { request_refused: 7 } },
    });
  });

  test('limits all anonymous sources together, and leaves room for authenticated ones', async () => {
    const recorder = createRefusalRecorder(made.context, LIMITS);
    for (let i = 0; i < 30; i += 1) recorder.record(from(`192.0.2.${i}`), fact);
    for (let i = 0; i < 10; i += 1) recorder.record(from('192.0.2.1', 'agent-a'), fact);
    await recorder.close();
    const events = await stored('request_refused');
    expect(events.filter(({ actor }) => actor === null)).toHaveLength(8);
    expect(events.filter(({ actor }) => actor === 'agent-a')).toHaveLength(10);
    expect(await stored('refusals_counted')).toHaveLength(22);
  });

  test.each([
    ['one by one', 3, { request_refused: 3, counted: [] }],
    ['as counts', 7, { request_refused: 5, counted: [2] }],
  ])('are stored once %s, though nobody confirmed the commit', async (_, count, expected) => {
    const away = new UnavailableError('database_unavailable', 'the connection was cut');
    const recorder = createRefusalRecorder(
      { ...made.context, store: { ...made.store, commit: confirmedSecondly(made.store.commit, away) } },
      LIMITS,
    );
    for (let i = 0; i < count; i += 1) recorder.record(from('192.0.2.1'), fact);
    for (let attempt = 0; attempt < 4; attempt += 1) await recorder.flush();
    await recorder.close();
    expect({
      request_refused: (await stored('request_refused')).length,
      counted: (await stored('refusals_counted')).map(({ details }) => details['count']),
    }).toEqual(expected);
  });

  test('waits for a database that is away, and counts what there is no room for', async () => {
    let down = true;
    const away = new UnavailableError('database_unavailable', 'the database is away');
    const commit = (unit: UnitOfWork) => (down ? Promise.reject(away) : made.store.commit(unit));
    const limits = { ...LIMITS, perSource: 1000, anonymous: 1000 };
    const recorder = createRefusalRecorder({ ...made.context, store: { ...made.store, commit } }, limits);
    for (let i = 0; i < 70; i += 1) {
      recorder.record(from('192.0.2.1'), fact);
      if (i % 10 === 0) await recorder.flush();
    }
    down = false;
    await recorder.close();
    const single = (await stored('request_refused')).length;
    const counted = (await stored('refusals_counted')).map(({ details }) => Number(details['count']));
    expect(single).toBeGreaterThanOrEqual(50);
    expect(counted.reduce((sum, one) => sum + one, single)).toBe(70);
  });

  test('does not throw or lose count when the store refuses', async () => {
    let down = true;
    const commit = (unit: UnitOfWork) =>
      down ? Promise.reject(new Error('no database')) : made.store.commit(unit);
    const recorder = createRefusalRecorder({ ...made.context, store: { ...made.store, commit } }, LIMITS);
    recorder.record(from('192.0.2.1'), fact);
    await recorder.flush();
    down = false;
    await recorder.close();
    expect(await stored('request_refused')).toEqual([]);
    expect((await stored('refusals_counted'))[0]).toMatchObject({ details: { count: 1 } });
  });
});
