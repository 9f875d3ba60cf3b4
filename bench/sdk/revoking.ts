import { ask } from '../process/requests.ts';
import type { Taskgrant, Token } from '../sides/taskgrant.ts';

/** Revokes a token and everything below it, as an administrator. Resolves when the server has said so. */
export async function revoke(
  { origin }: Taskgrant,
  administrator: { readonly authorization: string },
  { token_id: id }: Token,
): Promise<void> {
  await ask({
    url: `${origin}/api/admin/tokens/${id}/revoke`,
    headers: { ...administrator, 'content-type': 'application/json' },
    body: '{}',
  });
}
