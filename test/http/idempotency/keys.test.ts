import { describe, expect, test } from '@jest/globals';
import { AGENTS, AN_AGENT, idempotencyScene } from './scene.ts';

const { post, agentsNamed } = idempotencyScene();

describe('a key that cannot be one', () => {
  test.each([
    ['empty', ''],
    ['an empty string', '""'],
    ['too long', 'k'.repeat(256)],
    ['two of them', 'one, two'],
    ['with a parameter', '"one";a=1'],
    ['an open string', '"one'],
    ['beyond ASCII', 'schl\u00fcssel-1'],
    ['a control character', 'one\ttwo'],
  ])('is refused: %s', async (_what, key) => {
    const answer = await post(AGENTS, AN_AGENT, key);
    expect([answer.status, answer.body.code]).toEqual([400, 'idempotency_key_invalid']);
    expect(await agentsNamed('Research agent')).toBe(0);
  });

  test('is one that others on the same network could choose, where nobody is authenticated', async () => {
    const answer = await post(AGENTS, AN_AGENT, 'key-1', null);
    expect([answer.status, answer.body.code]).toEqual([400, 'idempotency_key_invalid']);
    expect((await post(AGENTS, AN_AGENT, 'k'.repeat(255), null)).status).toBe(201);
  });

  test.each(['constructor', '__proto__', 'toString'])(
    'is not the name of something else: %s',
    async (key) => {
      const first = await post(AGENTS, AN_AGENT, key);
      expect((await post(AGENTS, AN_AGENT, key)).text).toBe(first.text);
    },
  );
});
