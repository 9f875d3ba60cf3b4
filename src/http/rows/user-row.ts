import { z } from 'zod';
import type { User } from '../../domain/user.ts';
import { iso, isoTime } from '../fields.ts';

/** A person as administrators see them; the password is nowhere. */
export const UserRow = z.object({
  user_id: z.string(),
  email: z.string(),
  name: z.string(),
  state: z.enum(['active', 'disabled']),
  permissions: z.array(z.string()).meta({ description: 'What the person may delegate.' }),
  created_at: isoTime,
});

export function userRow(user: User): z.input<typeof UserRow> {
  return {
    user_id: user.userId,
    email: user.email,
    name: user.name,
    state: user.state,
    permissions: [...user.permissions],
    created_at: iso(user.createdAt),
  };
}
