import { beforeEach, describe, expect, test } from '@jest/globals';
import { createKeySet, type KeySet, KeysUnavailable } from '../../src/resource/key-set.ts';
import { type FakeIssuer, fakeIssuer, ISSUER, newKey } from './fake-issuer.ts';

/** Rotation, withdrawal and outages, at a clock that tests move. */
let issuer: FakeIssuer;
let keys: KeySet;
let now: number;
const SECOND = 1000;

beforeEach(async () => {
  issuer = fakeIssuer();
  now = 0;
  const url = `${ISSUER}/api/oauth/jwks`;
  keys = createKeySet({ url, fetch: issuer.fetch, algorithms: ['ES256', 'RS256'], monotonic: () => now });
  await newKey(issuer, 'one');
});

const fetches = () => issuer.asked.length;
const settled = () => new Promise((resolve) => setTimeout(resolve, 20));

describe('the keys of an issuer', () => {
  test('that come later are found at the first token that names them, once the cool-down is over', async () => {
    expect(await keys.find('one')).toMatchObject({ kid: 'one', algorithm: 'ES256' });
    await newKey(issuer, 'two');
    expect(await keys.find('two')).toBeUndefined();
    now += 31 * SECOND;
    expect(await keys.find('two')).toMatchObject({ kid: 'two' });
    expect(fetches()).toBe(2);
  });

  test('that are unknown cost one fetch per cool-down, whoever asks', async () => {
    await keys.find('one');
    for (let i = 0; i < 60; i += 1) {
      now += SECOND;
      expect(await keys.find(`unknown-${i}`)).toBeUndefined();
    }
    expect(fetches()).toBe(3);
  });

  test('stay the same objects while they are shown unchanged', async () => {
    const before = await keys.find('one');
    now += 301 * SECOND;
    await keys.find('one');
    await settled();
    expect([fetches(), await keys.find('one')]).toEqual([2, before]);
    expect(before && keys.trusts(before)).toBe(true);
  });

  test('are trusted no more when they are withdrawn, or replaced under their name', async () => {
    const [one, two] = [await keys.find('one'), await newKey(issuer, 'two').then(() => keys)];
    expect(one && keys.trusts(one)).toBe(true);
    issuer.keys = [];
    await newKey(issuer, 'one');
    now += 301 * SECOND;
    // Found out beside the requests.
    await two.find('one');
    await settled();
    expect(one && keys.trusts(one)).toBe(false);
    expect(await keys.find('one')).not.toBe(one);
  });

  test('survive an outage for as long as they may be trusted, and not longer', async () => {
    const one = await keys.find('one');
    issuer.mode = 'away';
    now += 599 * SECOND;
    expect(await keys.find('one')).toBe(one);
    await settled();
    now += 2 * SECOND;
    expect(one && keys.trusts(one)).toBe(false);
    await expect(keys.find('one')).rejects.toThrow(KeysUnavailable);
    issuer.mode = 'well';
    now += 2 * SECOND;
    expect(await keys.find('one')).toBe(one);
  });

  test('that come during an outage are not called unknown: nobody can say that, whoever asks', async () => {
    await keys.find('one');
    await newKey(issuer, 'two');
    issuer.mode = 'away';
    now += 31 * SECOND;
    for (let i = 0; i < 3; i += 1) await expect(keys.find('two')).rejects.toThrow(KeysUnavailable);
    // One question a second at most, and what is known stays so.
    expect([fetches(), (await keys.find('one'))?.kid]).toEqual([2, 'one']);
    issuer.mode = 'well';
    now += 2 * SECOND;
    expect(await keys.find('two')).toMatchObject({ kid: 'two' });
  });

  test('that are not understood leave the others usable', async () => {
    issuer.keys.unshift({ kty: 'EC', crv: 'P-256', kid: 'bad', alg: 'ES256', x: 'AA', y: 'AA' });
    expect([await keys.find('bad'), (await keys.find('one'))?.kid]).toEqual([undefined, 'one']);
  });

  test('that are no key set are none', async () => {
    issuer.keys = 'hello' as never;
    await expect(keys.find('one')).rejects.toThrow(KeysUnavailable);
  });
});
