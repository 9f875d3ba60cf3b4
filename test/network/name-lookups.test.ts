import { describe, expect, test } from '@jest/globals';
import { withKnownAddresses } from '../../src/network/known-addresses.ts';
import { createNameLookups } from '../../src/network/name-lookups.ts';

const ADDRESS = '93.184.216.34';
const soon = () => new Promise((resolve) => setTimeout(resolve, 10));

/** A resolver that answers at once, but names that begin with `hang` only when told. */
function resolver() {
  const begun: string[] = [];
  const hanging: (() => void)[] = [];
  return {
    begun,
    /** As a resolver that gives up. */
    giveUp: () => hanging.splice(0).forEach((stop) => stop()),
    resolve: (name: string) => {
      begun.push(name);
      if (!name.startsWith('hang')) return Promise.resolve([ADDRESS]);
      return new Promise<readonly string[]>((_resolve, reject) =>
        hanging.push(() => reject(new Error('EAI_AGAIN'))),
      );
    },
  };
}

function lookups(limits: { atOnce: number; ofSuspects: number } = { atOnce: 3, ofSuspects: 1 }) {
  const clock = { at: 0 };
  const names = resolver();
  const found = createNameLookups({ ...limits, resolve: names.resolve, now: () => clock.at });
  const ask = (host: string, party = host, signal = new AbortController().signal) => {
    const asked = found.addressesOf(host, { party, signal });
    asked.catch(() => undefined);
    return asked;
  };
  return { clock, names, found, ask };
}

describe('looking up names', () => {
  test.each([
    ['127.0.0.1', '127.0.0.1'],
    ['[::1]', '::1'],
  ])('an address (%s) stands for itself, and takes no thread', async (host, address) => {
    const { ask, names } = lookups();
    expect(await ask(host)).toEqual([address]);
    expect(names.begun).toEqual([]);
  });

  test('knows what the system knows: /etc/hosts', async () => {
    const { addressesOf } = createNameLookups({ atOnce: 1, ofSuspects: 1 });
    const addresses = await addressesOf('localhost', { party: 'a', signal: new AbortController().signal });
    expect(addresses.length).toBeGreaterThan(0);
    expect(addresses.every((address) => ['127.0.0.1', '::1'].includes(address))).toBe(true);
  });

  test('names that hang hold few threads, one for each party, and others get theirs', async () => {
    const { ask, names } = lookups();
    for (let i = 0; i < 10; i += 1) void ask(`hang-${i}.example.com`, 'evil');
    await soon();
    expect(names.begun).toEqual(['hang-0.example.com']);
    expect(await ask('good.example.com')).toEqual([ADDRESS]);
  });

  test('parties whose names took long share one thread from then on', async () => {
    const { ask, names, clock } = lookups();
    for (const party of ['evil', 'bad']) void ask(`hang.${party}.example`, party);
    clock.at = 2000;
    names.giveUp();
    await soon();
    for (const party of ['evil', 'bad']) void ask(`hang.again.${party}.example`, party);
    void ask('hang.worse.example', 'worse');
    await soon();
    expect(names.begun.slice(2)).toEqual(['hang.again.evil.example', 'hang.worse.example']);
    expect(await ask('good.example.com')).toEqual([ADDRESS]);
    clock.at = 700_000;
    void ask('hang.third.evil.example', 'evil');
    names.giveUp();
    await soon();
    expect(names.begun).toContain('hang.third.evil.example');
  });

  test('those come first that were served longest ago', async () => {
    const { ask, names } = lookups({ atOnce: 1, ofSuspects: 1 });
    void ask('hang.first.example', 'busy');
    const asked = [ask('2.busy.example', 'busy'), ask('3.busy.example', 'busy'), ask('late.example', 'late')];
    names.giveUp();
    await Promise.all(asked);
    expect(names.begun).toEqual(['hang.first.example', 'late.example', '2.busy.example', '3.busy.example']);
  });

  test('a name is looked up once for all who ask at the same time', async () => {
    const { ask, names } = lookups();
    const asked = ['a', 'b', 'c'].map((party) => ask('shared.example.com', party));
    expect(await Promise.all(asked)).toEqual([[ADDRESS], [ADDRESS], [ADDRESS]]);
    expect(names.begun).toEqual(['shared.example.com']);
  });

  test('what nobody waits for any more is never begun; what is under way keeps its thread until it ends', async () => {
    const { ask, names } = lookups({ atOnce: 1, ofSuspects: 1 });
    const leaving = new AbortController();
    const left = [
      ask('hang.example', 'a', leaving.signal),
      ask('waits.example', 'b', leaving.signal),
      ask('both.example', 'c', leaving.signal),
    ];
    const stays = ask('both.example', 'd');
    leaving.abort(new Error('too late'));
    for (const one of left) await expect(one).rejects.toThrow('too late');
    expect(names.begun).toEqual(['hang.example']);
    names.giveUp();
    expect(await stays).toEqual([ADDRESS]);
    expect(names.begun).toEqual(['hang.example', 'both.example']);
  });

  test('a name that a party with hanging names asks for, too, does not wait for that party', async () => {
    const { ask, names } = lookups();
    void ask('hang.example', 'evil');
    void ask('good.example.com', 'evil');
    await soon();
    expect(names.begun).toEqual(['hang.example']);
    expect(await ask('good.example.com', 'good')).toEqual([ADDRESS]);
  });

  test('only so many wait', async () => {
    const { ask } = lookups({ atOnce: 1, ofSuspects: 1 });
    for (let i = 0; i < 200; i += 1) void ask(`hang-${i}.example`);
    await expect(ask('one-more.example')).rejects.toThrow('too many names');
  });

  test('whoever has many names waiting makes room for those who have few', async () => {
    const { ask, names } = lookups({ atOnce: 2, ofSuspects: 1 });
    const evil = Array.from({ length: 200 }, (_, i) => ask(`hang-${i}.example`, 'evil'));
    expect(await ask('good.example.com', 'good')).toEqual([ADDRESS]);
    await expect(evil.at(-1)).rejects.toThrow('too many names');
    void ask('hang.again.example', 'evil');
    await expect(ask('hang.more.example', 'evil')).rejects.toThrow('too many names');
    expect(names.begun).toEqual(['hang-0.example', 'good.example.com']);
  });
});

describe('addresses that are known', () => {
  const known = () => {
    const { clock, names, found } = lookups({ atOnce: 1, ofSuspects: 1 });
    const remembering = withKnownAddresses(found, () => clock.at);
    const ask = (host: string, signal = AbortSignal.timeout(2000)) =>
      remembering.addressesOf(host, { party: host, signal });
    return { clock, names, ask };
  };

  test('are used where the resolver is kept busy with other names, for an hour', async () => {
    const { ask, clock } = known();
    await ask('good.example.com');
    ask('hang.example').catch(() => undefined);
    const began = performance.now();
    expect(await ask('good.example.com')).toEqual([ADDRESS]);
    expect(performance.now() - began).toBeGreaterThan(400);
    clock.at = 3_600_001;
    await expect(ask('good.example.com', AbortSignal.timeout(700))).rejects.toThrow('timeout');
  });

  test('are used at once where too many other names wait', async () => {
    const { ask } = known();
    await ask('good.example.com');
    for (let i = 0; i < 200; i += 1) ask(`hang-${i}.example`).catch(() => undefined);
    expect(await ask('good.example.com')).toEqual([ADDRESS]);
  });

  test('are not used where the resolver answers, whatever it says', async () => {
    const answers = [['1.1.1.1'], ['2.2.2.2']];
    const found = createNameLookups({
      atOnce: 1,
      ofSuspects: 1,
      resolve: async () => answers.shift() ?? Promise.reject(new Error('ENOTFOUND')),
    });
    const remembering = withKnownAddresses(found);
    const ask = () =>
      remembering.addressesOf('moves.example.com', { party: 'a', signal: AbortSignal.timeout(1000) });
    expect(await ask()).toEqual(['1.1.1.1']);
    expect(await ask()).toEqual(['2.2.2.2']);
    await expect(ask()).rejects.toThrow('ENOTFOUND');
  });
});
