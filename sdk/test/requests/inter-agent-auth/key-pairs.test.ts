import { describe, expect, test } from '@jest/globals';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import { InterAgentAuth, keysGiven, requestReplaysInMemory } from '../../../src/requests/index.ts';
import { NOON } from '../parties.ts';
import { AGENTS, keys, message, type Name, speaking } from './agents.ts';

describe('tokens between two agents with keys of their own', () => {
  test.each(Object.keys(AGENTS) as Name[])('%s speaks to vision for five minutes', async (from) => {
    const token = await speaking(from).createToken('vision');
    expect(decodeProtectedHeader(token)).toMatchObject({ typ: 'inter-agent+jwt', kid: 'default' });
    const claims = { iss: from, sub: from, aud: 'vision', iat: NOON / 1000, exp: NOON / 1000 + 300 };
    expect(await speaking('vision').verifyToken(token)).toEqual({ ...claims, jti: expect.any(String) });
    const later = speaking('vision', { now: () => NOON + 300_000 });
    expect(await message(later.verifyToken(token))).toBe('Token expired');
    const early = speaking('vision', { now: () => NOON - 6_000 });
    expect(await message(early.verifyToken(token))).toBe('Invalid token');
  });

  test('a token for one agent is none for another, and a fresh one is made for each call', async () => {
    const orchestrator = speaking('orchestrator');
    const [first, second] = [
      await orchestrator.createToken('vision'),
      await orchestrator.createToken('vision'),
    ];
    expect(decodeJwt(first).jti).not.toBe(decodeJwt(second).jti);
    expect(await message(speaking('tool').verifyToken(first))).toBe('Invalid token');
  });

  test('nobody speaks as another: the key decides who it was', async () => {
    const tool = new InterAgentAuth({
      agent: 'orchestrator',
      privateKey: AGENTS.tool.privateKey,
      keys,
      now: () => NOON,
    });
    expect(await message(speaking('vision').verifyToken(await tool.createToken('vision')))).toBe(
      'Invalid token',
    );
    const stranger = new InterAgentAuth({
      agent: 'nobody',
      privateKey: AGENTS.tool.privateKey,
      keys,
      now: () => NOON,
    });
    expect(await message(speaking('vision').verifyToken(await stranger.createToken('vision')))).toBe(
      'Invalid token',
    );
  });

  test('says in whose name it speaks, and names its key', async () => {
    const keyed = await keysGiven([{ issuer: 'tool', publicKey: AGENTS.tool.publicKey, keyId: 'k1' }]);
    const token = await speaking('tool', { keyId: 'k1' }).createToken('vision', 'usr_ann');
    expect(await speaking('vision', { keys: keyed }).verifyToken(token)).toMatchObject({
      iss: 'tool',
      sub: 'usr_ann',
    });
    const old = await speaking('tool', { keyId: 'k0' }).createToken('vision');
    expect(await message(speaking('vision', { keys: keyed }).verifyToken(old))).toBe('Invalid token');
  });

  test('works once where used ones are kept, and a tampered one uses up none', async () => {
    const vision = speaking('vision', { replays: requestReplaysInMemory({ now: () => NOON }) });
    const token = await speaking('orchestrator').createToken('vision');
    const [head, , tail] = token.split('.');
    const claims = { ...decodeJwt(token), sub: 'root' };
    const tampered = [head, Buffer.from(JSON.stringify(claims)).toString('base64url'), tail].join('.');
    expect(await message(vision.verifyToken(tampered))).toBe('Invalid token');
    expect(await message(vision.verifyToken(token))).toBe('accepted');
    expect(await message(vision.verifyToken(token))).toBe('Invalid token');
  });

  test('keys that cannot be had are no verdict about the token', async () => {
    const failing = { find: () => Promise.reject(new Error('down')) };
    const token = await speaking('orchestrator').createToken('vision');
    const trying = speaking('vision', { keys: failing }).verifyToken(token);
    await expect(trying).rejects.toMatchObject({ code: 'unavailable' });
  });

  test.each(['', 'a.b', 'a.b.c', 'x'.repeat(9000)])('"%.8s" is an invalid token', async (token) => {
    expect(await message(speaking('vision').verifyToken(token))).toBe('Invalid token');
  });
});
