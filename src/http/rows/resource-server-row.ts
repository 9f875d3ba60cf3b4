import { z } from 'zod';
import type { ResourceServer } from '../../domain/resource-server.ts';
import { iso, isoTime } from '../fields.ts';

/** An API that accepts tokens of this server. */
export const ResourceServerRow = z
  .object({
    client_id: z.string(),
    name: z.string(),
    audiences: z.array(z.string()),
    scopes: z.array(z.string()).nullable().meta({ description: 'Rights that it knows; null = any.' }),
    token_format: z.enum(['jwt', 'opaque']),
    created_at: isoTime,
  })
  .meta({ id: 'ResourceServer' });

export function resourceServerRow(server: ResourceServer): z.input<typeof ResourceServerRow> {
  return {
    client_id: server.clientId,
    name: server.name,
    audiences: [...server.audiences],
    scopes: server.scopes && [...server.scopes],
    token_format: server.tokenFormat,
    created_at: iso(server.createdAt),
  };
}
