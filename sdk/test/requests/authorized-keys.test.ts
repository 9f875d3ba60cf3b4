import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { createPublicKey } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import {
  type AuthorizedKeys,
  createRequestTokenSigner,
  keysFromJwks,
  keysGiven,
  keysOf,
  keysOfAgents,
  verifyRequest,
  verifyRequestToken,
  signRequest,
} from '../../src/requests/index.ts';
import { type KeyFolder, keysFromFolder } from '../../src/requests-node/index.ts';
import { AGENT_URL, NOON, outcome, type Pair, pair, receiver, wire, withHeaders } from './parties.ts';

const keys = pair();
const other = pair();

async function asked({ privateKey }: Pair, keyId?: string, issuer = 'orchestrator') {
  const request = new Request(`${AGENT_URL}/ask`, { method: 'POST', body: '{}' });
  return wire(await signRequest(request, { issuer, privateKey, keyId, now: () => NOON }));
}

async function answer(
  source: AuthorizedKeys,
  signer: Pair,
  keyId?: string,
  issuer?: string,
): Promise<string> {
  return outcome(verifyRequest(await asked(signer, keyId, issuer), receiver(source)));
}

function jwk({ publicKey }: Pair, more: Record<string, unknown> = {}): Record<string, unknown> {
  return { ...createPublicKey(publicKey).export({ format: 'jwk' }), ...more };
}

describe('a folder of authorized keys', () => {
  let folder: string;
  let source: KeyFolder;
  let problems: string[];
  const write = (name: string, text: string) => writeFile(join(folder, name), text);

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'taskgrant-keys-'));
    problems = [];
    await write('orchestrator.pem', keys.publicKey);
    source = await keysFromFolder(folder, {
      onProblem: (file) => problems.push(file),
      // Far away: what these tests see is the watching.
      rereadEvery: 600_000,
    });
  });
  afterEach(async () => {
    await source.close();
    await rm(folder, { recursive: true, force: true });
  });

  test('names the issuer by its file; others are not known', async () => {
    expect(await answer(source, keys)).toBe('accepted');
    expect(await answer(source, other)).toBe('signature_invalid');
    expect(await answer(source, keys, undefined, 'planner')).toBe('key_unknown');
    expect(source.issuers()).toEqual(['orchestrator']);
  });

  test('sees what is added, changed and removed, without a restart', async () => {
    await write('planner.pem', other.publicKey);
    await until(async () => (await answer(source, other, undefined, 'planner')) === 'accepted');
    await write('orchestrator.pem', other.publicKey);
    await until(async () => (await answer(source, other)) === 'accepted');
    // The old key ends with the change.
    expect(await answer(source, keys)).toBe('signature_invalid');
    // A removed key stayed trusted until the restart (rotagent).
    await rm(join(folder, 'orchestrator.pem'));
    await until(async () => (await answer(source, other)) === 'key_unknown');
    expect(source.issuers()).toEqual(['planner']);
  });

  test('takes JWKs and key sets, several files of one issuer adding up while a key is rotated', async () => {
    await write('orchestrator.jwks', JSON.stringify({ keys: [jwk(other, { kid: 'new' })] }));
    await until(async () => (await answer(source, other, 'new')) === 'accepted');
    expect(await answer(source, keys)).toBe('accepted');
    expect(await answer(source, other, 'newer')).toBe('key_unknown');
  });

  test('trusts no file that is no public key, and says which', async () => {
    await write('orchestrator.pem', keys.privateKey);
    await until(async () => (await answer(source, keys)) === 'key_unknown');
    await write('a.jwk', JSON.stringify({ kty: 'oct', k: 'c2VjcmV0' }));
    await write('b.json', 'nonsense');
    await write('with space.pem', keys.publicKey);
    await write('.hidden.pem', keys.publicKey);
    await mkdir(join(folder, 'd.pem'));
    await until(async () =>
      ['a.jwk', 'b.json', 'd.pem', 'with space.pem'].every((file) => problems.includes(file)),
    );
    expect(source.issuers()).toEqual([]);
    expect(problems).toContain('orchestrator.pem');
  });

  test('trusts nobody once it is gone', async () => {
    await rename(folder, `${folder}-away`);
    try {
      await until(async () => (await answer(source, keys)) === 'key_unknown');
      await expect(keysFromFolder(folder)).rejects.toMatchObject({ code: 'option_invalid' });
    } finally {
      await rename(`${folder}-away`, folder);
    }
  });

  test('makes no path of what a request says', async () => {
    await writeFile(join(folder, '..', 'taskgrant-outside.pem'), other.publicKey);
    const source2 = await keysFromFolder(folder);
    try {
      for (const issuer of [
        '../taskgrant-outside',
        'orchestrator.pem',
        './orchestrator',
        '__proto__',
        'constructor',
      ]) {
        expect(await answer(source2, other, undefined, issuer)).toBe('key_unknown');
        expect(await source2.find(issuer, '../../x')).toEqual([]);
      }
    } finally {
      await source2.close();
      await rm(join(folder, '..', 'taskgrant-outside.pem'));
    }
  });

  test('trusts nobody once it is closed, and reads it again by the clock where nothing is told', async () => {
    const clocked = await keysFromFolder(folder, { rereadEvery: 30 });
    await write('planner.pem', other.publicKey);
    await until(async () => (await answer(clocked, other, undefined, 'planner')) === 'accepted');
    await clocked.close();
    expect(await answer(clocked, keys)).toBe('key_unknown');
    expect(clocked.issuers()).toEqual([]);
  });

  test('an anonymous flood makes nobody read it (rotagent scanned the folder for every stranger)', async () => {
    const reads: string[] = [];
    // Every reading of the folder tells of the broken file in it.
    await write('broken.pem', 'x');
    const counted = await keysFromFolder(folder, {
      onProblem: (file) => reads.push(file),
      rereadEvery: 600_000,
    });
    try {
      await setTimeout(100);
      const before = reads.length;
      expect(before).toBeGreaterThan(0);
      const message = await asked(other);
      for (let i = 0; i < 500; i += 1) {
        const name = `stranger-${i}`;
        const text = (message.headers as Record<string, string>)['signature-input'] ?? '';
        const from = withHeaders(message, {
          'signature-input': text.replace('keyid="orchestrator"', `keyid="${name}"`),
        });
        expect(await outcome(verifyRequest(from, receiver(counted)))).toBe('key_unknown');
      }
      expect(reads).toHaveLength(before);
    } finally {
      await counted.close();
    }
  });
});

describe('keys from JWKS documents', () => {
  /** A network with one document; time stands where the test puts it. */
  function published(first: readonly Record<string, unknown>[]) {
    const state = { keys: first, now: 1_000_000, failing: false };
    const fetch = jest.fn((_url: unknown) =>
      state.failing
        ? Promise.reject(new Error('down'))
        : Promise.resolve(Response.json({ keys: state.keys })),
    );
    const options = { fetch: fetch as unknown as typeof globalThis.fetch, monotonic: () => state.now };
    return { state, fetch, options };
  }

  test('are those that the issuer shows now: a new one is found, a withdrawn one ends', async () => {
    const { state, fetch, options } = published([jwk(keys, { kid: 'k1' })]);
    const source = keysFromJwks({ orchestrator: 'https://orchestrator.example/jwks' }, options);
    expect(await answer(source, keys, 'k1')).toBe('accepted');
    expect(await answer(source, keys, 'k1')).toBe('accepted');
    expect(fetch).toHaveBeenCalledTimes(1);
    expect(fetch.mock.calls[0]?.[0]).toBe('https://orchestrator.example/jwks');
    state.keys = [jwk(other, { kid: 'k2' })];
    state.now += 31_000;
    expect(await answer(source, other, 'k2')).toBe('accepted');
    expect(await answer(source, keys, 'k1')).toBe('key_unknown');
    // A document names several keys: which one is meant must be said.
    expect(await answer(source, other)).toBe('key_unknown');
  });

  test('cost a flood of strangers no fetch, and one of unknown keys a single one', async () => {
    const { fetch, options } = published([jwk(keys, { kid: 'k1' })]);
    const source = keysFromJwks({ orchestrator: 'https://orchestrator.example/jwks' }, options);
    for (let i = 0; i < 200; i += 1) expect(await source.find(`stranger-${i}`, 'k1')).toEqual([]);
    expect(fetch).toHaveBeenCalledTimes(0);
    for (let i = 0; i < 200; i += 1) expect(await source.find('orchestrator', `x-${i}`)).toEqual([]);
    expect(fetch).toHaveBeenCalledTimes(1);
  });

  test('that cannot be had let nobody in, and say nothing about the request', async () => {
    const { state, options } = published([]);
    state.failing = true;
    const source = keysFromJwks({ orchestrator: 'https://orchestrator.example/jwks' }, options);
    expect(await answer(source, keys, 'k1')).toBe('unavailable');
  });

  test('come over https, and weak or private ones are none', async () => {
    expect(() => keysFromJwks({ a: 'http://a.example/jwks' })).toThrow('https');
    expect(() => keysFromJwks({ a: 'nonsense' })).toThrow('https');
    expect(() => keysFromJwks({ 'a b': 'https://a.example/jwks' })).toThrow('issuer');
    const { generateKeyPairSync } = await import('node:crypto');
    const weak = generateKeyPairSync('rsa', { modulusLength: 1024 });
    const { options } = published([{ ...weak.publicKey.export({ format: 'jwk' }), kid: 'weak' }]);
    const source = keysFromJwks({ a: 'https://a.example/jwks' }, options);
    expect(await source.find('a', 'weak')).toEqual([]);
    const pem = String(weak.publicKey.export({ format: 'pem', type: 'spki' }));
    await expect(keysGiven([{ issuer: 'a', publicKey: pem }])).rejects.toThrow('2048');
  });

  test('of agents are asked for by the client ids that are listed, and no others', async () => {
    const { fetch, options } = published([jwk(keys, { kid: 'k1' })]);
    const source = keysOfAgents('https://auth.example/', ['agt_planner'], options);
    expect(await answer(source, keys, 'k1', 'agt_planner')).toBe('accepted');
    expect(await answer(source, keys, 'k1', 'agt_other')).toBe('key_unknown');
    expect(fetch.mock.calls.map(([url]) => url)).toEqual([
      'https://auth.example/api/agents/agt_planner/jwks',
    ]);
  });
});

describe('keys that are given', () => {
  test('are tried in the order of their sources', async () => {
    const first = await keysGiven([{ issuer: 'orchestrator', publicKey: keys.publicKey, keyId: 'k1' }]);
    const second = await keysGiven([{ issuer: 'planner', publicKey: other.publicKey }]);
    const both = keysOf(first, second);
    expect(await answer(both, keys, 'k1')).toBe('accepted');
    expect(await answer(both, other, undefined, 'planner')).toBe('accepted');
    expect(await answer(both, other, undefined, 'nobody')).toBe('key_unknown');
  });

  test.each([
    ['a private key', keys.privateKey],
    ['a symmetric key', { kty: 'oct', k: 'c2VjcmV0' }],
    ['a private JWK', { ...jwk(keys), d: 'x' }],
    ['a key for encryption', { ...jwk(keys), use: 'enc' }],
    ['a key of another algorithm', { ...jwk(keys), alg: 'RS256' }],
    ['another curve', { kty: 'EC', crv: 'P-384', x: 'x', y: 'y' }],
    ['nonsense', 'nonsense'],
    ['a key that nobody gave', undefined as never],
  ])('%s is refused, and not quoted', async (_name, publicKey) => {
    const error = await keysGiven([{ issuer: 'a', publicKey }]).catch((cause: unknown) => cause);
    expect(error).toMatchObject({
      code: 'option_invalid',
      message: expect.stringContaining('no public key'),
    });
    expect(String((error as Error).stack)).not.toContain('c2VjcmV0');
  });

  test.each(['', 'a b', 'a#b', 'ä', 'x'.repeat(257)])('an issuer is not called "%.12s"', async (issuer) => {
    await expect(keysGiven([{ issuer, publicKey: keys.publicKey }])).rejects.toMatchObject({
      code: 'option_invalid',
    });
    await expect(asked(keys, undefined, issuer)).rejects.toMatchObject({ code: 'option_invalid' });
  });

  test('a public key signs nothing', async () => {
    const options = { issuer: 'a', privateKey: keys.publicKey };
    await expect(createRequestTokenSigner(options)).rejects.toMatchObject({ code: 'option_invalid' });
  });
});

test('a source of keys that fails lets nobody in', async () => {
  const failing: AuthorizedKeys = { find: () => Promise.reject(new Error('down')) };
  expect(await answer(failing, keys)).toBe('unavailable');
  const signer = await createRequestTokenSigner({
    issuer: 'orchestrator',
    privateKey: keys.privateKey,
    now: () => NOON,
  });
  const message = await wire(await signer.sign(new Request(`${AGENT_URL}/x`)));
  expect(await outcome(verifyRequestToken(message, receiver(failing)))).toBe('unavailable');
});

async function until(condition: () => Promise<boolean>): Promise<void> {
  for (let i = 0; i < 200; i += 1) {
    if (await condition()) return;
    await setTimeout(25);
  }
  throw new Error('it did not come about within five seconds');
}
