import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, jest, test } from '@jest/globals';
import { decodeJwt, decodeProtectedHeader, SignJWT } from 'jose';
import { secretFromFile } from '../../../src/requests-node/index.ts';
import {
  InterAgentAuth,
  secretFromEnvironment,
  secretFromManager,
  type SecretSource,
} from '../../../src/requests/index.ts';
import { bytes, NOON } from '../parties.ts';
import { message, speaking } from './agents.ts';

describe('the shared secret (AGENT_AUTH_SECRET)', () => {
  const secret = randomBytes(32).toString('hex');
  const newer = randomBytes(32).toString('hex');
  const from = (...values: string[]): SecretSource =>
    secretFromEnvironment({ AGENT_AUTH_SECRET: values[0], AGENT_AUTH_SECRET_PREVIOUS: values[1] });
  const sharing = (agent: string, source: SecretSource | undefined, over: Record<string, unknown> = {}) =>
    new InterAgentAuth({
      agent,
      secret: source,
      peers: ['orchestrator', 'vision'],
      now: () => NOON,
      ...over,
    });

  test('is read from the environment, and speaks for five minutes', async () => {
    const before = process.env['AGENT_AUTH_SECRET'];
    try {
      process.env['AGENT_AUTH_SECRET'] = secret;
      const token = await sharing('orchestrator', undefined).createToken('vision');
      expect(decodeProtectedHeader(token)).toMatchObject({ alg: 'HS256', typ: 'inter-agent-shared+jwt' });
      expect(await sharing('vision', undefined).verifyToken(token)).toMatchObject({
        iss: 'orchestrator',
        aud: 'vision',
      });
      const later = sharing('vision', undefined, { now: () => NOON + 301_000 });
      expect(await message(later.verifyToken(token))).toBe('Token expired');
      delete process.env['AGENT_AUTH_SECRET'];
      expect(await message(sharing('vision', undefined).verifyToken(token))).toBe(
        'AGENT_AUTH_SECRET not set',
      );
      expect(await message(sharing('vision', undefined).createToken('vision'))).toBe(
        'AGENT_AUTH_SECRET not set',
      );
    } finally {
      if (before === undefined) delete process.env['AGENT_AUTH_SECRET'];
      else process.env['AGENT_AUTH_SECRET'] = before;
    }
  });

  test('checks all the same whom a token is for and who made it', async () => {
    const token = await sharing('orchestrator', from(secret)).createToken('vision');
    expect(await message(sharing('tool', from(secret)).verifyToken(token))).toBe('Invalid token');
    const stranger = await sharing('stranger', from(secret)).createToken('vision');
    expect(await message(sharing('vision', from(secret)).verifyToken(stranger))).toBe('Invalid token');
    expect(await message(sharing('vision', from(newer)).verifyToken(token))).toBe('Invalid token');
    // What the two modes make is never the other's.
    expect(await message(speaking('vision').verifyToken(token))).toBe('Invalid token');
    const keyed = await speaking('orchestrator').createToken('vision');
    expect(await message(sharing('vision', from(secret)).verifyToken(keyed))).toBe('Invalid token');
  });

  test('a token without kid, with another algorithm or a longer life is none', async () => {
    const vision = sharing('vision', from(secret));
    const genuine = await sharing('orchestrator', from(secret)).createToken('vision');
    const { kid = '' } = decodeProtectedHeader(genuine);
    const typ = 'inter-agent-shared+jwt';
    const claims = decodeJwt(genuine);
    const made = (header: object, over: object = {}) =>
      new SignJWT({ ...claims, ...over }).setProtectedHeader({ alg: 'HS256', ...header }).sign(bytes(secret));
    expect(await message(vision.verifyToken(await made({ typ, kid })))).toBe('accepted');
    for (const token of [
      await made({ typ }),
      await made({ kid }),
      await made({ typ, kid, alg: 'HS512' }),
      await made({ typ, kid: 'x' }),
      await made({ typ, kid }, { exp: NOON / 1000 + 301 }),
      await made({ typ, kid }, { exp: undefined }),
      await made({ typ, kid }, { iss: undefined }),
      await made({ typ, kid }, { jti: undefined }),
      await made({ typ, kid }, { aud: ['vision'] }),
    ]) {
      expect(await message(vision.verifyToken(token))).toBe('Invalid token');
    }
  });

  test('has 32 bytes at least, and two values at most', async () => {
    expect(await message(sharing('a', from('x'.repeat(31))).createToken('b'))).toMatch('too short');
    expect(await message(sharing('a', from('x'.repeat(32))).createToken('b'))).toBe('accepted');
    expect(await message(sharing('a', from(secret, 'short')).createToken('b'))).toMatch('too short');
    const three = secretFromManager(() => [secret, newer, secret]);
    expect(await message(sharing('a', three).createToken('b'))).toMatch('two values');
    for (const nothing of [undefined, null, '', ' ', {}, [], { secret_key: '' }, 7, '{broken']) {
      expect(
        await message(
          sharing(
            'a',
            secretFromManager(() => nothing),
          ).createToken('b'),
        ),
      ).toMatch('not set');
    }
  });

  test('is rotated without a restart: both are accepted while both are set', async () => {
    const old = await sharing('orchestrator', from(secret)).createToken('vision');
    const during = sharing('vision', from(newer, secret));
    const fresh = await sharing('orchestrator', from(newer, secret)).createToken('vision');
    expect(await message(during.verifyToken(old))).toBe('accepted');
    expect(await message(during.verifyToken(fresh))).toBe('accepted');
    const after = sharing('vision', from(newer));
    expect(await message(after.verifyToken(fresh))).toBe('accepted');
    expect(await message(after.verifyToken(old))).toBe('Invalid token');
  });

  test('comes from a secrets manager, asked once a minute and once more for a secret that is new', async () => {
    let now = NOON;
    let held: unknown = { secret_key: secret };
    const read = jest.fn(() => Promise.resolve(held));
    const vision = sharing('vision', secretFromManager(read), { now: () => now });
    const clocked = { now: () => now };
    const old = () => sharing('orchestrator', from(secret), clocked).createToken('vision');
    const fresh = () => sharing('orchestrator', from(newer), clocked).createToken('vision');
    for (let i = 0; i < 20; i += 1) expect(await message(vision.verifyToken(await old()))).toBe('accepted');
    // A flood of tokens under names that nobody knows asks nobody.
    for (let i = 0; i < 20; i += 1)
      expect(await message(vision.verifyToken(await fresh()))).toBe('Invalid token');
    expect(read).toHaveBeenCalledTimes(1);
    held = [{ secret_key: newer }, JSON.stringify({ secret_key: secret })];
    now += 11_000;
    expect(await message(vision.verifyToken(await fresh()))).toBe('accepted');
    expect(await message(vision.verifyToken(await old()))).toBe('accepted');
    expect(read).toHaveBeenCalledTimes(2);
    held = newer;
    now += 61_000;
    expect(await message(vision.verifyToken(await old()))).toBe('Invalid token');
  });

  test('that cannot be read lets nobody in, is not asked for every token, and shows no secret', async () => {
    let now = NOON;
    const read = jest.fn(() => Promise.reject(new Error('no connection')));
    const vision = sharing('vision', secretFromManager(read), { now: () => now });
    const token = await sharing('orchestrator', from(secret)).createToken('vision');
    for (let i = 0; i < 20; i += 1) {
      await expect(vision.verifyToken(token)).rejects.toMatchObject({ code: 'unavailable' });
    }
    expect(read).toHaveBeenCalledTimes(1);
    now += 1_000;
    await expect(vision.verifyToken(token)).rejects.toMatchObject({ code: 'unavailable' });
    expect(read).toHaveBeenCalledTimes(2);
    const short = await sharing('a', from('a-secret-that-is-short'))
      .createToken('b')
      .catch((error: unknown) => error);
    expect(String((short as Error).stack)).not.toContain('a-secret-that-is-short');
  });

  test('is read again after the clock was set back, as is a source that had failed', async () => {
    let now = NOON;
    let held: string | undefined = secret;
    const read = () => (held === undefined ? Promise.reject(new Error('no connection')) : held);
    const vision = sharing('vision', secretFromManager(read), { now: () => now });
    const tokens = () => {
      const made = (own: string) => sharing('orchestrator', from(own), { now: () => now });
      return Promise.all([secret, newer].map((own) => made(own).createToken('vision')));
    };
    const told = async () => Promise.all((await tokens()).map((token) => message(vision.verifyToken(token))));
    expect(await told()).toEqual(['accepted', 'Invalid token']);
    held = newer;
    now -= 3_600_000;
    // The old one had been accepted for an hour longer.
    expect(await told()).toEqual(['Invalid token', 'accepted']);
    held = undefined;
    now += 120_000;
    await expect(vision.createToken('tool')).rejects.toMatchObject({ code: 'unavailable' });
    held = newer;
    now -= 3_600_000;
    expect(await told()).toEqual(['Invalid token', 'accepted']);
  });

  test('is read again when its file changes', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'taskgrant-secret-'));
    try {
      const path = join(folder, 'secret');
      await writeFile(path, `${secret}\n`);
      let now = NOON;
      const vision = sharing('vision', secretFromFile(path), { now: () => now });
      const fresh = await sharing('orchestrator', from(newer)).createToken('vision');
      const old = await sharing('orchestrator', from(secret)).createToken('vision');
      expect(await message(vision.verifyToken(old))).toBe('accepted');
      expect(await message(vision.verifyToken(fresh))).toBe('Invalid token');
      await writeFile(path, JSON.stringify([{ secret_key: newer }, { secret_key: secret }]));
      now += 1_001;
      expect(await message(vision.verifyToken(fresh))).toBe('accepted');
      expect(await message(vision.verifyToken(old))).toBe('accepted');
      await rm(path);
      now += 1_001;
      await expect(vision.verifyToken(fresh)).rejects.toMatchObject({ code: 'unavailable' });
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
