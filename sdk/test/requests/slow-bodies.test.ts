import { describe, expect, test } from '@jest/globals';
import {
  type AuthorizedKeys,
  createRequestGuard,
  createRequestSigner,
  createRequestTokenSigner,
  keysGiven,
  type Message,
  requestReplaysInMemory,
} from '../../src/requests/index.ts';
import { AGENT_URL, NOON, pair, trusting, wire } from './parties.ts';

const keys = pair();
const signing = { issuer: 'orchestrator', privateKey: keys.privateKey, now: () => NOON };
const signers = [
  ['a signature', await createRequestSigner(signing)],
  ['a request token', await createRequestTokenSigner(signing)],
] as const;

/** A service whose callers send the body when they like. */
function service(trusted: AuthorizedKeys) {
  let now = NOON;
  const reasons: string[] = [];
  const guard = createRequestGuard({
    publicUrl: AGENT_URL,
    keys: trusted,
    replays: requestReplaysInMemory({ now: () => now }),
    profiles: ['signature', 'token'],
    now: () => now,
    onRefused: ({ reason }) => reasons.push(reason),
  });
  const send = async (message: Message, before: () => unknown) => {
    const { passed } = await guard.check(message, async () => {
      await before();
      return message.body;
    });
    return passed ? 'accepted' : reasons.pop();
  };
  return { send, wait: (seconds: number) => void (now += seconds * 1000) };
}

describe.each(signers)('a body that comes late, under %s', (_name, signer) => {
  const asked = async () =>
    wire(await signer.sign(new Request(`${AGENT_URL}/x`, { method: 'POST', body: '{}' })));

  test('is refused once the request has expired: it could be used twice otherwise', async () => {
    const { send, wait } = service(await trusting(keys.publicKey));
    const message = await asked();
    const held: (() => void)[] = [];
    const sending = [1, 2].map(() => send(message, () => new Promise<void>((resolve) => held.push(resolve))));
    while (held.length < 2) await new Promise((resolve) => setImmediate(resolve));
    wait(70);
    for (const go of held) go();
    expect(await Promise.all(sending)).toEqual(['expired', 'expired']);
  });

  test('is refused once the key is removed', async () => {
    let current = await trusting(keys.publicKey);
    const { send } = service({ find: (issuer, keyId) => current.find(issuer, keyId) });
    const none = await keysGiven([]);
    expect(await send(await asked(), () => (current = none))).toBe('key_unknown');
  });

  test('is refused once another key stands in its place, and accepted when the same one was read again', async () => {
    let current = await trusting(keys.publicKey);
    const { send } = service({ find: (issuer, keyId) => current.find(issuer, keyId) });
    const again = await trusting(keys.publicKey);
    expect(await send(await asked(), () => (current = again))).toBe('accepted');
    const other = await trusting(pair().publicKey);
    expect(await send(await asked(), () => (current = other))).toBe('signature_invalid');
  });
});
