import { z } from 'zod';
import { heldRights } from '../../domain/role.ts';
import type { User } from '../../domain/user.ts';
import { iso, isoTime } from '../fields.ts';

/** A person as administrators see them; the password is nowhere. */
export const UserRow = z
  .object({
    user_id: z.string(),
    email: z.string(),
    name: z.string(),
    state: z.enum(['active', 'disabled']),
    permissions: z.array(z.string()).meta({ description: 'Rights that were given to the person.' }),
    roles: z.array(z.string()),
    effective_permissions: z
      .array(z.string())
      .meta({ description: 'What the person may delegate: own rights and those of the roles.' }),
    created_at: isoTime,
  })
  .meta({ id: 'User' });

export function userRow(user: User): z.input<typeof UserRow> {
  return {
    user_id: user.userId,
    email: user.email,
    name: user.name,
    state: user.state,
    permissions: [...user.permissions],
    roles: user.roles.map(({ name }) => name),
    effective_permissions: [...heldRights(user)],
    created_at: iso(user.createdAt),
  };
}
