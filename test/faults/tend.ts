import { setTimeout } from 'node:timers/promises';
import { jest } from '@jest/globals';
import { startUpkeep, type UpkeepParts } from '../../src/composition/upkeep.ts';
import type { TestServer } from '../support/server.ts';

const RETENTION = { auditDays: 365, tasksDays: 90, tokensDays: 30, webhooksDays: 30 };
const MINUTE = 60_000;
/** Enough for a few statements. */
const A_WHILE = 500;

/** What a server does in a minute, by a clock that has been steady for long, and what it complains of. */
export async function tend(
  { taskgrant, clock }: TestServer,
  over: Partial<Pick<UpkeepParts, 'keyring' | 'steadyFor'>> = {},
): Promise<string[]> {
  const told: string[] = [];
  const log = {
    ...taskgrant.context.log,
    error: (_: string, fields = {}) => void told.push(JSON.stringify(fields)),
  };
  const { store } = taskgrant;
  jest.useFakeTimers({ doNotFake: ['setTimeout', 'setImmediate', 'nextTick', 'Date', 'performance'] });
  const upkeep = startUpkeep({
    context: { clock, log },
    keyring: taskgrant.keyring,
    cleanup: store.cleanup,
    retention: RETENTION,
    steadyFor: () => Infinity,
    followKeys: async () => {},
    ...over,
  });
  jest.advanceTimersByTime(MINUTE);
  jest.useRealTimers();
  await setTimeout(A_WHILE);
  await upkeep.stop();
  return told;
}
