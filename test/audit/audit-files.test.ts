import { beforeEach, describe, expect, test } from '@jest/globals';
import type { Logger } from '../../src/app/ports.ts';
import type { UnitOfWork } from '../../src/app/unit-of-work.ts';
import { withAuditFiles } from '../../src/audit/audit-files.ts';
import type { AuditEvent } from '../../src/domain/audit-event.ts';
import { createMemoryKeyStore } from '../support/memory-key-store.ts';

type Line = [file: string, level: string, message: string, fields: Record<string, unknown> | undefined];

let lines: Line[];
let commits: UnitOfWork[];

beforeEach(() => {
  lines = [];
  commits = [];
});

function file(name: string): Logger {
  const at = (level: string) => (message: string, fields?: Record<string, unknown>) => {
    lines.push([name, level, message, fields]);
  };
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

const files = () => ({
  oauth: file('oauth'),
  agentActions: file('agent_actions'),
  security: file('security'),
});

const EVENT: AuditEvent = {
  id: 'e-1',
  at: Date.UTC(2026, 0, 31, 12),
  type: 'token_issued',
  outcome: 'success',
  actor: 'agent-1',
  clientId: 'agent-1',
  userId: null,
  tokenId: 'k-1',
  taskId: 't-1',
  parentTaskId: null,
  sourceIp: '192.0.2.1',
  requestId: 'r-1',
  reason: null,
  details: { scope: 'example:read' },
};

async function commit(...events: AuditEvent[]): Promise<void> {
  const committer = withAuditFiles(
    {
      keys: createMemoryKeyStore(),
      commit: async (unit: UnitOfWork) => {
        expect(lines).toEqual([]);
        commits.push(unit);
      },
    },
    files(),
  );
  await committer.commit({ events } as unknown as UnitOfWork);
}

describe('the files that audit events are copied to', () => {
  test('get each event after its commit, with the names of the audit API and without what is empty', async () => {
    await commit(EVENT);
    expect(commits).toHaveLength(1);
    const fields = {
      event_id: 'e-1',
      at: '2026-01-31T12:00:00.000Z',
      request_id: 'r-1',
      outcome: 'success',
      actor: 'agent-1',
      client_id: 'agent-1',
      token_id: 'k-1',
      task_id: 't-1',
      source_ip: '192.0.2.1',
      details: { scope: 'example:read' },
    };
    expect(lines).toEqual([['oauth', 'info', 'token_issued', fields]]);
    expect(JSON.stringify(lines[0]?.[3])).toBe(JSON.stringify(fields));
  });

  test('hold every member of an event', async () => {
    await commit({ ...EVENT, userId: 'u-1', parentTaskId: 't-0', reason: 'why' });
    expect(lines[0]?.[3]).toMatchObject({ user_id: 'u-1', parent_task_id: 't-0', reason: 'why' });
    expect(Object.keys(lines[0]?.[3] ?? {})).toHaveLength(Object.keys(EVENT).length - 1);
  });

  test.each([
    ['task_opened', 'agent_actions'],
    ['agent_registered', 'agent_actions'],
    ['user_signed_in', 'security'],
    ['token_exchanged', 'oauth'],
  ] as const)('%s goes to %s.log', async (type, name) => {
    await commit({ ...EVENT, type });
    expect(lines.map(([to]) => to)).toEqual([name]);
  });

  test('what was refused is a warning, also in security.log', async () => {
    await commit({ ...EVENT, type: 'token_refused', outcome: 'refused' });
    expect(lines.map(([to, level]) => [to, level])).toEqual([
      ['oauth', 'warn'],
      ['security', 'warn'],
    ]);
  });

  test('get nothing of a unit that was not committed', async () => {
    const refuse = (_: UnitOfWork) => Promise.reject<void>(new Error('no'));
    const failing = withAuditFiles({ keys: createMemoryKeyStore(), commit: refuse }, files());
    await expect(failing.commit({ events: [EVENT] } as unknown as UnitOfWork)).rejects.toThrow('no');
    expect(lines).toEqual([]);
  });

  test('are told of signing keys once they are stored', async () => {
    const { keys } = withAuditFiles({ keys: createMemoryKeyStore(), commit: async () => {} }, files());
    const told = { id: 'unit-1', events: [{ ...EVENT, type: 'signing_key_created' as const }] };
    const record = (fails: boolean) =>
      keys.exclusively(async (exclusive) => {
        await exclusive.record(told);
        expect(lines).toEqual([]);
        if (fails) throw new Error('no');
      });
    await expect(record(true)).rejects.toThrow('no');
    expect(lines).toEqual([]);
    await record(false);
    expect(lines).toMatchObject([['security', 'info', 'signing_key_created', { event_id: 'e-1' }]]);
  });
});
