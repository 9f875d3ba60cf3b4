import { z } from 'zod';
import { agentKeys } from '../../app/agents/agent-keys.ts';
import type { AppContext } from '../../app/context.ts';
import { type BoundRoute, contract, route } from '../contract.ts';
import { clientId } from '../fields.ts';

const text = z.string().optional();

const jwks = contract({
  method: 'get',
  path: '/api/agents/:clientId/jwks',
  access: 'anonymous',
  summary: 'Show the public keys of an agent, by which others check what it signed.',
  description: 'Empty for an agent that may not act, has registered no keys or does not exist.',
  tags: ['Agents'],
  params: z.strictObject({ clientId }),
  returns: {
    status: 200,
    body: z.object({
      keys: z.array(
        z.object({
          kty: text,
          crv: text,
          x: text,
          y: text,
          n: text,
          e: text,
          kid: text,
          alg: text,
          use: text,
        }),
      ),
    }),
  },
});

/** What agents show of themselves to each other. */
export function agentKeyRoutes(context: AppContext): BoundRoute[] {
  return [
    route(jwks, async ({ params: { clientId } }) => ({ keys: [...(await agentKeys(context, clientId))] })),
  ];
}
