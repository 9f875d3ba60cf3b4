import { z } from 'zod';
import type { RoleMember } from '../../app/ports/roles.ts';
import type { Role } from '../../domain/role.ts';
import { iso, isoTime } from '../fields.ts';

export const RoleRow = z
  .object({
    name: z.string(),
    description: z.string(),
    permissions: z.array(z.string()).meta({ description: 'May contain wildcards.' }),
    created_at: isoTime,
    updated_at: isoTime,
  })
  .meta({ id: 'Role' });

export function roleRow(role: Role): z.input<typeof RoleRow> {
  return {
    name: role.name,
    description: role.description,
    permissions: [...role.permissions],
    created_at: iso(role.createdAt),
    updated_at: iso(role.updatedAt),
  };
}

export const RoleMemberRow = z.object({
  kind: z.enum(['agent', 'user']),
  id: z.string().meta({ description: 'Client id or user id.' }),
  name: z.string(),
  assigned_at: isoTime,
});

export function roleMemberRow({ kind, id, name, assignedAt }: RoleMember): z.input<typeof RoleMemberRow> {
  return { kind, id, name, assigned_at: iso(assignedAt) };
}
