import { setTimeout } from 'node:timers/promises';
import { afterEach, describe, expect, test } from '@jest/globals';
import type { LedgerPage, LedgerRow } from '../../src/app/ports/ledger.ts';
import { type FeedEvent, followRevocations } from '../../src/app/revocations/follow-revocations.ts';
import { createLedgerFeed, type Follower, type LedgerFeed } from '../../src/app/revocations/ledger-feed.ts';
import { UnavailableError } from '../../src/domain/unavailable.ts';

const row = (seq: number, handle = `h${seq}`): LedgerRow => ({ seq, kind: 'task', handle, epoch: 0, at: 1 });

/** A ledger whose reads are counted, and which can be away. */
function aLedger() {
  const state = { rows: [] as LedgerRow[], reads: 0, away: false };
  const listeners: (() => void)[] = [];
  return {
    state,
    onRevoked: (listener: () => void) => void listeners.push(listener),
    /** `heard`: by this process; otherwise another node wrote it. */
    write(rows: readonly LedgerRow[], heard = false): void {
      state.rows.push(...rows);
      if (heard) for (const listener of listeners) listener();
    },
    ledger: {
      async since(after: number, limit: number): Promise<LedgerPage> {
        state.reads += 1;
        if (state.away) throw new UnavailableError('database_unavailable', 'away');
        const later = state.rows.filter(({ seq }) => seq > after);
        return { rows: later.slice(0, limit), head: state.rows.at(-1)?.seq ?? 0 };
      },
    },
  };
}

const feeds: LedgerFeed[] = [];
afterEach(() => feeds.splice(0).forEach((feed) => feed.close()));

function aFeed(over: { followers?: number; followersPerClient?: number } = {}) {
  const source = aLedger();
  const limits = { followers: 10_000, followersPerClient: 10_000, ...over };
  const clock = { now: () => Date.now() };
  const feed = createLedgerFeed({ ...source, clock, limits });
  feeds.push(feed);
  return { ...source, feed, clock };
}

/** Collects what a follower is told. */
function collect(
  { ledger, clock }: Pick<ReturnType<typeof aFeed>, 'ledger' | 'clock'>,
  follower: Follower,
  after = 0,
) {
  const events: FeedEvent[] = [];
  const over = (async () => {
    const command = { follower, after, dependencies: [], until: Number.POSITIVE_INFINITY };
    for await (const event of followRevocations({ ledger, clock }, command)) events.push(event);
  })();
  const seqs = () =>
    events.flatMap((event) => (event.kind === 'rows' ? event.rows.map(({ seq }) => seq) : []));
  const heads = () => events.filter(({ kind }) => kind === 'head').length;
  return { events, over, seqs, heads };
}

async function eventually(holds: () => boolean, withinMs = 3000): Promise<void> {
  for (const late = Date.now() + withinMs; !holds(); await setTimeout(5)) {
    if (Date.now() > late) throw new Error('did not come');
  }
}

describe('a process that lets others follow the ledger', () => {
  test('asks once for all of them, and not at all while there is nobody', async () => {
    const source = aFeed();
    await setTimeout(120);
    expect(source.state.reads).toBe(0);
    const followers = Array.from({ length: 200 }, () => source.feed.join('api'));
    const told = followers.map((follower) => collect(source, follower));
    await eventually(() => told.every(({ heads }) => heads() > 0));
    const before = source.state.reads;
    await setTimeout(500);
    // One for each interval of 50 ms, whatever their number.
    expect(source.state.reads - before).toBeLessThan(15);
    expect(source.state.reads - before).toBeGreaterThan(3);
    for (const follower of followers) follower.leave();
    await Promise.all(told.map(({ over }) => over));
    await setTimeout(120);
    const after = source.state.reads;
    await setTimeout(150);
    expect(source.state.reads).toBe(after);
  });

  test('tells what this process revoked without waiting for its turn', async () => {
    const source = aFeed();
    const told = collect(source, source.feed.join('api'));
    await eventually(() => told.heads() > 0);
    const times: number[] = [];
    for (let seq = 1; seq <= 10; seq += 1) {
      const began = performance.now();
      source.write([row(seq)], true);
      await eventually(() => told.seqs().includes(seq));
      times.push(performance.now() - began);
    }
    // The tests look every five milliseconds; a turn would take 50.
    expect(times.toSorted((a, b) => a - b)[4]).toBeLessThan(25);
  });

  test('tells every follower everything, in order, wherever it begins and however late it is', async () => {
    const source = aFeed();
    source.write(Array.from({ length: 2500 }, (_, i) => row(2 * i + 1)));
    const starts = [0, 1, 2000, 4999, 4000];
    const told = starts.map((after) => collect(source, source.feed.join('api'), after));
    for (let burst = 0; burst < 5; burst += 1) {
      const from = 5001 + burst * 3000;
      source.write(
        Array.from({ length: 1500 }, (_, i) => row(from + 2 * i)),
        burst % 2 === 0,
      );
      await setTimeout(20);
    }
    const all = source.state.rows.map(({ seq }) => seq);
    await eventually(() => told.every(({ seqs }) => seqs().at(-1) === all.at(-1)));
    for (const [i, { seqs }] of told.entries()) {
      expect(seqs()).toEqual(all.filter((seq) => seq > (starts[i] ?? 0)));
    }
  });

  test('says nothing while the ledger cannot be read, and goes on where it was', async () => {
    const source = aFeed();
    const told = collect(source, source.feed.join('api'));
    await eventually(() => told.heads() > 1);
    source.state.away = true;
    await setTimeout(60);
    const before = told.events.length;
    source.write([row(1), row(2)]);
    await setTimeout(700);
    expect(told.events.length).toBe(before);
    source.state.away = false;
    await eventually(() => told.seqs().length === 2);
    expect(told.seqs()).toEqual([1, 2]);
  });

  test('never says that a follower has everything before it has', async () => {
    const source = aFeed();
    source.write(Array.from({ length: 3000 }, (_, i) => row(i + 1)));
    const told = collect(source, source.feed.join('api'));
    await eventually(() => told.heads() > 0);
    const first = told.events.findIndex(({ kind }) => kind === 'head');
    const known = told.events.slice(0, first).flatMap((event) => (event.kind === 'rows' ? event.rows : []));
    expect(known).toHaveLength(3000);
  });

  test('says so neither while more is there than comes at once', async () => {
    const source = aFeed();
    const told = collect(source, source.feed.join('api'));
    await eventually(() => told.heads() > 0);
    source.write(Array.from({ length: 3500 }, (_, i) => row(i + 1)));
    await eventually(() => told.seqs().length === 3500);
    await eventually(() => told.events.at(-1)?.kind === 'head');
    const first = told.events.findIndex(({ kind }) => kind === 'rows');
    const heads = told.events.slice(first).flatMap((event) => (event.kind === 'head' ? event.head : []));
    expect(new Set(heads)).toEqual(new Set([3500]));
  });

  test('begins anew with all of them when the ledger turns out to be another one', async () => {
    const source = aFeed();
    source.write([row(1), row(2), row(3)]);
    const told = collect(source, source.feed.join('api'));
    await eventually(() => told.seqs().length === 3);
    // As after a backup was restored.
    source.state.rows = [row(1), row(2, 'another')];
    await eventually(() => told.events.some(({ kind }) => kind === 'reset'));
    await eventually(() => told.seqs().length === 5);
    expect(told.seqs()).toEqual([1, 2, 3, 1, 2]);
    source.write([row(3, 'again')]);
    await eventually(() => told.seqs().length === 6);
  });

  test('knows no other ledger in what a node read later than this one', async () => {
    const source = aFeed();
    source.write([row(1)]);
    const first = collect(source, source.feed.join('api'));
    await eventually(() => first.heads() > 0);
    // This follower has seen row 2 elsewhere, before this process has looked.
    source.write([row(2)]);
    const second = collect(source, source.feed.join('api'), 2);
    await eventually(() => second.heads() > 1);
    expect(second.events.filter(({ kind }) => kind === 'reset')).toEqual([]);
    source.write([row(3)]);
    await eventually(() => second.seqs().length === 1);
  });

  test('lets everybody go when it ends, and takes nobody any more', async () => {
    const source = aFeed();
    const told = [1, 2].map(() => collect(source, source.feed.join('api')));
    await eventually(() => told.every(({ heads }) => heads() > 0));
    source.feed.close();
    await Promise.all(told.map(({ over }) => over));
    expect(() => source.feed.join('api')).toThrow(UnavailableError);
  });
});

describe('places', () => {
  test('are limited for all and for each client, and free again when somebody leaves', () => {
    const { feed } = aFeed({ followers: 3, followersPerClient: 2 });
    const first = feed.join('a');
    feed.join('a');
    expect(() => feed.join('a')).toThrow(UnavailableError);
    feed.join('b');
    expect(() => feed.join('c')).toThrow(UnavailableError);
    first.leave();
    // Leaving twice frees one place.
    first.leave();
    feed.join('c');
    expect(() => feed.join('d')).toThrow(UnavailableError);
  });
});
