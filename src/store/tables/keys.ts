import type { Knex } from 'knex';
import type { KeyStore, StoredKey } from '../../app/ports/keys.ts';
import { insertEvents } from './audit-events.ts';
import { lockUntilCommit } from '../sql/locks.ts';
import { json, mapping, plain } from '../sql/mapping.ts';
import { hitsOf, insertRows, rowsOf } from '../sql/statements.ts';
import { inTransaction } from '../sql/transaction.ts';

const signingKeys = mapping<StoredKey>('signing_keys', {
  kid: plain('kid'),
  algorithm: plain('algorithm'),
  publicJwk: json('public_jwk'),
  encryptedPrivateJwk: plain('encrypted_private_jwk'),
  createdAt: plain('created_at'),
  activeFrom: plain('active_from'),
  retiresAt: plain('retires_at'),
});

export function keyStore(db: Knex): KeyStore {
  return {
    async all() {
      const columns = signingKeys.columns.join(', ');
      const rows = await rowsOf(db, `SELECT ${columns} FROM signing_keys ORDER BY created_at, kid`, []);
      return rows.map(signingKeys.read);
    },
    async insert(key) {
      await insertRows(db, 'signing_keys', [signingKeys.write(key)]);
    },
    async retire(kid, at) {
      await hitsOf(db, 'UPDATE signing_keys SET retires_at = ? WHERE kid = ?', [at, kid]);
    },
    async remove(kid) {
      await hitsOf(db, 'DELETE FROM signing_keys WHERE kid = ?', [kid]);
    },
    async record(told) {
      await insertEvents(db, [told]);
    },
    exclusively: (work) =>
      inTransaction(db, async (trx) => {
        await lockUntilCommit(trx, 'signingKeys');
        return work(keyStore(trx));
      }),
  };
}
