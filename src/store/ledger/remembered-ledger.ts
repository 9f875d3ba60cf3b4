import type { Knex } from 'knex';
import type { Basis } from '../../domain/revocation.ts';
import { HandleFilter } from './handle-filter.ts';
import { LEDGER_HEAD, type LedgerHead } from './ledger-head.ts';
import { rowsOf } from '../sql/statements.ts';

/**
 * Which handles the ledger names at all, from memory: hardly any of those that are asked about.
 *
 * INVARIANT: nothing is taken for not revoked unless every row up to the head that the database told was read. What
 * cannot be told from memory is asked of the database.
 */
export interface RememberedLedger {
  /**
   * Reads on up to a head, and answers whether the ledger may name a handle up to there: perhaps every one, while reading
   * that far would take long. INVARIANT: the answer is about that head, whatever is learnt or forgotten meanwhile.
   */
  upTo(head: LedgerHead): Promise<MayName>;
  /** The last row that was read, if up to it nothing of this was revoked; undefined where that cannot be told. */
  clearOf(bases: readonly Basis[]): LedgerHead | undefined;
  /** Reads on to where the ledger ends now. Never rejects: what was not read now is read another time. */
  catchUp(): Promise<void>;
}

export type MayName = (handle: string) => boolean;

const CURRENT_HEAD = `SELECT ${LEDGER_HEAD.seq} AS seq, ${LEDGER_HEAD.handle} AS handle`;

const ANY: MayName = () => true;

/** Rows that are read at once; a node that is further behind starts anew. */
const PAGE = 2000;

interface Known {
  readonly filter: HandleFilter;
  head: LedgerHead;
}

export function rememberedLedger(db: Knex): RememberedLedger {
  let known: Known | undefined;
  let building = false;
  let reading: Promise<unknown> = Promise.resolve();

  /** In the background: meanwhile everybody asks the database. */
  async function build(): Promise<void> {
    if (building) return;
    building = true;
    try {
      known = await readAll(db);
    } catch {
      // The next request tries again; the store tells the log that the database is away.
    } finally {
      building = false;
    }
  }

  /** One after another: whoever reads on from where another has just been would not find the row that it knew. */
  function reaches(now: Known, head: LedgerHead): Promise<boolean> {
    const reached = reading.then(() => readUpTo(db, now, head));
    reading = reached.catch(() => undefined);
    return reached;
  }

  async function upTo(head: LedgerHead): Promise<MayName> {
    const now = known;
    if (now && (isSame(now.head, head) || (await reaches(now, head)))) {
      return (handle) => now.filter.mayHold(handle);
    }
    if (known === now) known = undefined;
    if (!known) void build();
    return ANY;
  }

  return {
    upTo,
    clearOf(bases) {
      // A node that only opens tasks is told of no head.
      if (!known) void build();
      const { filter, head } = known ?? {};
      const mayName: MayName = (handle) => filter?.mayHold(handle) ?? true;
      return bases.some((basis) => basis.restsOn(mayName)) ? undefined : head;
    },
    async catchUp() {
      try {
        const [head] = await rowsOf<LedgerHead>(db, CURRENT_HEAD, []);
        if (head) await upTo(head);
      } catch {
        // The store tells the log that the database is away.
      }
    },
  };
}

async function readAll(db: Knex): Promise<Known> {
  const [row] = await rowsOf<{ rows: number }>(db, 'SELECT COUNT(*) AS rows FROM revocations', []);
  const known: Known = { filter: new HandleFilter(row?.rows ?? 0), head: { seq: 0, handle: null } };
  for (;;) {
    const page = await rowsFrom(db, known.head.seq + 1);
    remember(known, page);
    if (page.length < PAGE) return known;
  }
}

/** Whether all that the ledger names up to a head is known, or could be learnt. */
async function readUpTo(db: Knex, known: Known, head: LedgerHead): Promise<boolean> {
  if (isSame(known.head, head)) return true;
  if (head.seq >= known.head.seq) return readOn(db, known, head);
  // Another has read past it meanwhile, unless the ledger was replaced by a backup that ends before.
  const [current] = await rowsOf<LedgerHead>(db, CURRENT_HEAD, []);
  return current !== undefined && (isSame(known.head, current) || readOn(db, known, current));
}

/** Adds the rows behind those that are known. False: they are too many, or do not follow on what is known. */
async function readOn(db: Knex, known: Known, head: LedgerHead): Promise<boolean> {
  if (head.seq <= known.head.seq || known.filter.isFull) return false;
  const [before, ...rows] = await rowsFrom(db, known.head.seq);
  // INVARIANT: the last known row still stands where it was. Otherwise the database was replaced by a backup, and rows
  // with numbers that are known already may be others.
  if (known.head.seq === 0) return before !== undefined && addUpTo(known, [before, ...rows], head);
  return before !== undefined && isSame(before, known.head) && addUpTo(known, rows, head);
}

function addUpTo(known: Known, rows: readonly LedgerHead[], head: LedgerHead): boolean {
  remember(known, rows);
  return known.head.seq >= head.seq;
}

function remember(known: Known, rows: readonly LedgerHead[]): void {
  for (const { handle } of rows) if (handle !== null) known.filter.add(handle);
  known.head = rows.at(-1) ?? known.head;
}

function rowsFrom(db: Knex, seq: number): Promise<readonly LedgerHead[]> {
  return rowsOf<{ seq: number; handle: string }>(
    db,
    'SELECT seq, handle FROM revocations WHERE seq >= ? ORDER BY seq LIMIT ?',
    [seq, PAGE],
  );
}

function isSame(a: LedgerHead, b: LedgerHead): boolean {
  return a.seq === b.seq && a.handle === b.handle;
}
