import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createRefusalRecorder } from '../../src/app/audit/record-refusal.ts';
import type { UnitOfWork } from '../../src/app/unit-of-work.ts';
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
