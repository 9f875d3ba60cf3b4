import type { KeyStore, StoredKey } from '../../src/app/ports/keys.ts';

/** A KeyStore in memory that counts its reads. Rows are copied, as a database would. */
export interface MemoryKeyStore extends KeyStore {
  readonly reads: number;
  /** Replaces members of a row, as someone with access to the database could. */
  tamper(kid: string, changes: Partial<StoredKey>): void;
}

export function createMemoryKeyStore(): MemoryKeyStore {
  const rows = new Map<string, StoredKey>();
  let reads = 0;

  const change = (kid: string, changes: Partial<StoredKey>): void => {
    const row = rows.get(kid);
    if (row !== undefined) rows.set(kid, { ...row, ...changes });
  };

  let turn: Promise<unknown> = Promise.resolve();

  const store: MemoryKeyStore = {
    get reads() {
      return reads;
    },
    tamper: change,
    exclusively(work) {
      const done = turn.then(() => work(store));
      turn = done.catch(() => undefined);
      return done;
    },
    all: async () => {
      reads += 1;
      return [...rows.values()].map((row) => structuredClone(row));
    },
    insert: async (key) => {
      if (rows.has(key.kid)) throw new Error(`kid ${key.kid} is taken`);
      rows.set(key.kid, structuredClone(key));
    },
    retire: async (kid, at) => change(kid, { retiresAt: at }),
    remove: async (kid) => {
      rows.delete(kid);
    },
    record: async () => {},
  };
  return store;
}
