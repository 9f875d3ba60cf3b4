import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type Guard, protect, type ProtectOptions } from '@taskgrant/sdk/resource';
import { AUDIENCE, type FakeIssuer, fakeIssuer, ISSUER, newKey } from './fake-issuer.ts';
import { statusOf } from './protected-api.ts';

/** What guards tell their programs, and what several of one connection share. */
let issuer: FakeIssuer;
let guards: Guard[] = [];

beforeEach(async () => {
  issuer = fakeIssuer();
  await newKey(issuer, 'one');
});
afterEach(() => {
  for (const guard of guards) guard.close();
  guards = [];
});

function live(over: Partial<ProtectOptions> = {}): Guard {
  const credentials = { clientId: 'rs_api', clientSecret: 'secret' };
  const guard = protect({ issuer: ISSUER, audience: AUDIENCE, credentials, fetch: issuer.fetch, ...over });
  guards.push(guard);
  return guard;
}

async function until(what: () => boolean): Promise<void> {
  for (const late = performance.now() + 3000; !what(); ) {
    if (performance.now() > late) throw new Error('it did not come about');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

const broken = () => {
  throw new Error('disk full');
};

test('a log of refusals that fails changes no refusal', async () => {
  expect(await statusOf(live({ mode: 'offline', onRefused: broken }), 'opaque')).toBe(401);
});

describe('guards that share a feed', () => {
  test('all hear of it, though one of them fails to listen', async () => {
    const heard: string[] = [];
    live({ onFeed: broken });
    await live({ onFeed: ({ state }) => void heard.push(state) }).ready();
    await until(() => heard.includes('streaming'));
  });

  test('and a listener go on with it when one of them is closed', async () => {
    const heard: string[] = [];
    const onFeed: ProtectOptions['onFeed'] = ({ state }) => void heard.push(state);
    const [before, after] = [live({ onFeed }), live({ onFeed })];
    before.close();
    await after.ready();
    await until(() => heard.includes('streaming'));
    // Each change once.
    expect(heard).toEqual(['starting', 'streaming']);
  });

  test('end it although another one could not be made', async () => {
    expect(() => live({ scope: 'no"scope' })).toThrow('scope must name scopes');
    const guard = live();
    await guard.ready();
    await until(() => issuer.openStreams() === 1);
    guard.close();
    await until(() => issuer.openStreams() === 0);
  });
});
