import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { canonicalJson } from '../../src/app/idempotency/canonical-json.ts';
import {
  deferChange,
  deferrable,
  deferUnits,
  isDecidedAgain,
  notDeferred,
} from '../../src/app/idempotency/deferred-units.ts';
import { readIdempotencyKey } from '../../src/app/idempotency/idempotency-key.ts';
import { DomainError } from '../../src/domain/errors.ts';
import { type Change, REGISTRY_CHANGED, type UnitOfWork } from '../../src/app/unit-of-work.ts';
import { aUnit } from '../support/fixtures.ts';

function aStore() {
  const committed: UnitOfWork[] = [];
  return { committed, store: deferrable({ commit: async (unit) => void committed.push(unit) }) };
}

const change: Change = { do: 'delete_sessions_and_consents', userId: 'usr_1' };

async function keptBack<T>(work: () => Promise<T>) {
  const deferred = await deferUnits(work);
  if ('lasting' in deferred) throw deferred.refusal;
  return deferred;
}

describe('units of work that are kept back', () => {
  test('are answered as one, in their order, and not committed', async () => {
    const { committed, store } = aStore();
    const [one, two] = [aUnit([change]), aUnit([change, change])];
    const { result, unit } = await keptBack(async () => {
      await store.commit(one);
      expect(deferChange({ do: 'delete_resource_server', clientId: 'rs_1' })).toBe(true);
      await store.commit(two);
      return 'answer';
    });
    expect(result).toBe('answer');
    expect(unit?.id).toBe(one.id);
    expect(unit?.changes.map((each) => each.do)).toEqual([
      'delete_sessions_and_consents',
      'delete_sessions_and_consents',
      'delete_sessions_and_consents',
      'delete_resource_server',
    ]);
    expect(unit?.events).toEqual([...one.events, ...two.events]);
    expect(committed).toEqual([]);
  });

  test('are none of other requests, nor of what the work leaves running, nor of what is no part of it', async () => {
    const { committed, store } = aStore();
    const [other, record, late] = [aUnit([change]), aUnit([]), aUnit([change])];
    let leaveRunning = Promise.resolve();
    const { unit } = await keptBack(async () => {
      await notDeferred(() => store.commit(record));
      leaveRunning = new Promise((resolve) => {
        setTimeout(() => void store.commit(late).then(resolve), 5);
      });
    });
    await store.commit(other);
    await leaveRunning;
    expect(unit).toBeUndefined();
    expect(committed).toEqual([record, other, late]);
    expect(deferChange(change)).toBe(false);
  });

  test('were decided on one version of the registry', async () => {
    const { store } = aStore();
    const both = (second: number) =>
      keptBack(async () => {
        await store.commit({ ...aUnit([change]), registry: 7 });
        await store.commit({ ...aUnit([change]), registry: second });
      });
    expect((await both(7)).unit?.registry).toBe(7);
    await expect(both(8)).rejects.toBe(REGISTRY_CHANGED);
  });

  test('of a refusal are none, but for those that outlive it', async () => {
    const { committed, store } = aStore();
    const refusal = new DomainError('grant_replayed', 'it was used before');
    const [part, lasting] = [aUnit([change]), { ...aUnit([change]), outlivesRefusal: true }];
    const deferred = await deferUnits(async () => {
      await store.commit(part);
      await store.commit(lasting);
      throw refusal;
    });
    expect(deferred).toEqual({ refusal, lasting: [lasting] });
    expect(committed).toEqual([]);
  });

  test('know whether they are decided again', async () => {
    const answer = async () => isDecidedAgain();
    expect(await deferUnits(answer, { again: true })).toMatchObject({ result: true });
    expect(await deferUnits(answer)).toMatchObject({ result: false });
    expect(isDecidedAgain()).toBe(false);
  });
});

describe('the canonical form of a body (properties)', () => {
  const shuffled = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(shuffled);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value)
        .reverse()
        .map(([name, member]) => [name, shuffled(member)]),
    );
  };

  test('does not depend on the order of members', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        const value: unknown = JSON.parse(text);
        expect(canonicalJson(shuffled(value))).toBe(canonicalJson(value));
        expect(JSON.parse(canonicalJson(value))).toEqual(value);
      }),
    );
  });
});

describe('reading the field (properties)', () => {
  const asString = (key: string) => `"${key.replace(/[\\"]/g, (character) => `\\${character}`)}"`;

  test('every text of printable ASCII is a key when it is quoted', () => {
    const printable = fc.string({
      unit: fc.constantFrom(...ascii(0x20, 0x7e)),
      minLength: 1,
      maxLength: 255,
    });
    fc.assert(
      fc.property(printable, (key) => {
        expect(readIdempotencyKey(asString(key), { anonymous: false })).toEqual({ key });
      }),
    );
  });

  test('whatever else is sent is a key or a fault, never an exception', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (field) => {
        const read = readIdempotencyKey(field, { anonymous: false });
        expect(typeof (read?.key ?? read?.fault)).toBe('string');
        if (read?.key !== undefined) expect(read.key).toMatch(/^[\x20-\x7e]{1,255}$/);
      }),
    );
  });
});

function ascii(from: number, to: number): string[] {
  return Array.from({ length: to - from + 1 }, (_, i) => String.fromCharCode(from + i));
}
