import type { Knex } from 'knex';
import type { Cleanup, RetentionCutoffs } from '../app/ports.ts';
import { hitsOf } from './statements.ts';

interface Retained {
  readonly table: string;
  readonly key: string;
  readonly ended: string;
  readonly before: (cutoffs: RetentionCutoffs) => number;
}

/**
 * Tokens come before tasks, whose rows they need. Not here: task ids, which are never used again (R3), and what
 * administrators delete themselves.
 */
const TABLES: readonly Retained[] = [
  { table: 'oidc_artifacts', key: 'model, id', ended: 'expires_at < ?', before: ({ now }) => now },
  { table: 'registration_tokens', key: 'digest', ended: 'expires_at < ?', before: ({ now }) => now },
  { table: 'client_secrets', key: 'id', ended: 'expires_at < ?', before: ({ now }) => now },
  { table: 'tokens', key: 'token_id', ended: 'expires_at < ?', before: ({ tokens }) => tokens },
  {
    table: 'tasks',
    key: 'handle',
    ended: 'expires_at < ? AND NOT EXISTS (SELECT 1 FROM tokens WHERE tokens.task_handle = tasks.handle)',
    before: ({ tasks }) => tasks,
  },
  { table: 'revocations', key: 'seq', ended: 'expires_at < ?', before: ({ now }) => now },
  { table: 'audit_events', key: 'unit_id, position', ended: 'at < ?', before: ({ audit }) => audit },
];

export function cleanup(db: Knex): Cleanup {
  return {
    async removeExpired(cutoffs, batch) {
      let removed = 0;
      // One statement each, without a transaction around them: no request waits for more than one of them.
      for (const { table, key, ended, before } of TABLES) {
        const sql = `DELETE FROM ${table} WHERE (${key}) IN (SELECT ${key} FROM ${table} WHERE ${ended} LIMIT ?)`;
        removed += await hitsOf(db, sql, [before(cutoffs), batch]);
      }
      return removed;
    },
  };
}
