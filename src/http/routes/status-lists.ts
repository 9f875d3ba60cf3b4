import { z } from 'zod';
import type { AppContext } from '../../app/context.ts';
import type { StatusListSource } from '../../app/revocations/status-list.ts';
import { type BoundRoute, contract, route } from '../contract.ts';
import { publicId } from '../fields.ts';

const read = contract({
  method: 'get',
  path: '/api/status-lists/:id',
  access: 'anonymous',
  summary: 'Which tokens of a status list have ended (Token Status List).',
  description:
    'The `status` claim of a token names the list and its bit. A bit is set when anything that the token depends on was ' +
    'revoked.',
  tags: ['Revocations'],
  params: z.strictObject({ id: publicId }),
  returns: { status: 200, type: 'application/statuslist+jwt', body: z.string() },
});

/** draft-ietf-oauth-status-list-21 §8: for anybody, since tokens are named by numbers that only their holders know. */
export function statusListRoutes(
  { clock }: Pick<AppContext, 'clock'>,
  lists: StatusListSource,
): BoundRoute[] {
  return [
    route(read, async ({ params, ctx }) => {
      const { token, until } = await lists.read(params.id);
      const seconds = Math.max(0, Math.floor((until - clock.now()) / 1000));
      ctx.set('Cache-Control', `public, max-age=${seconds}`);
      return token;
    }),
  ];
}
