import { expect } from '@jest/globals';
import { InterAgentAuth, keysGiven } from '../../../src/requests/index.ts';
import { NOON, pair } from '../parties.ts';

export const AGENTS = { orchestrator: pair(), vision: pair('EdDSA'), tool: pair('RS256') };
export type Name = keyof typeof AGENTS;

export const keys = await keysGiven(
  Object.entries(AGENTS).map(([issuer, { publicKey }]) => ({ issuer, publicKey })),
);

/** One of the agents, whose keys all of them know. */
export function speaking(agent: Name, over: Record<string, unknown> = {}) {
  const { privateKey } = AGENTS[agent];
  return new InterAgentAuth({ agent, privateKey, keys, now: () => NOON, ...over });
}

/** What a token is refused with. */
export async function message(trying: Promise<unknown>): Promise<string> {
  return trying.then(
    () => 'accepted',
    (error: Error) => {
      expect(error.name).toBe('InterAgentAuthError');
      return error.message;
    },
  );
}
