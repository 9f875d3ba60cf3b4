import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import type { z } from 'zod';
import { ActivityRow, Pagination } from '../../src/http/rows/activity-row.ts';
import { AgentAuthRow } from '../../src/http/rows/agent-auth-row.ts';
import { AgentRow } from '../../src/http/rows/agent-row.ts';
import { ApiKeyRow } from '../../src/http/rows/api-key-row.ts';
import { AuditRow } from '../../src/http/rows/audit-row.ts';
import { ResourceServerRow } from '../../src/http/rows/resource-server-row.ts';
import { RoleMemberRow, RoleRow } from '../../src/http/rows/role-row.ts';
import { SecretRow } from '../../src/http/rows/secret-row.ts';
import { TaskRow } from '../../src/http/rows/task-row.ts';
import { TokenRow } from '../../src/http/rows/token-row.ts';
import { UserRow } from '../../src/http/rows/user-row.ts';
import { DeliveryRow, WebhookRow } from '../../src/http/rows/webhook-row.ts';
import type * as sdk from '../src/shared/rows.ts';

/** Compiles only while the package's rows are the server's: the same members, each of the same type. */
type Mutable<T> = T extends object ? { -readonly [K in keyof T]: Mutable<T[K]> } : T;
type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false;
/** Names that the server takes from a closed list are plain text in the package: the list grows. */
type Open<T> = Omit<T, 'event_type' | 'state'> & Partial<Record<'event_type' | 'state', unknown>>;
type Row<T extends z.ZodType, U> = Same<z.output<T>, Mutable<U>>;
type OpenRow<T extends z.ZodType, U> = Same<Open<z.output<T>>, Open<Mutable<U>>>;

const SAME_TYPES: readonly [
  Row<typeof AgentRow, sdk.AgentRow>,
  Row<typeof AgentAuthRow, sdk.AgentAuthRow>,
  Row<typeof TaskRow, sdk.TaskRow>,
  Row<typeof TokenRow, sdk.TokenRow>,
  OpenRow<typeof AuditRow, sdk.AuditRow>,
  OpenRow<typeof ActivityRow, sdk.ActivityRow>,
  Row<typeof Pagination, sdk.Pagination>,
  Row<typeof ResourceServerRow, sdk.ResourceServerRow>,
  Row<typeof RoleRow, sdk.RoleRow>,
  Row<typeof RoleMemberRow, sdk.RoleMemberRow>,
  Row<typeof UserRow, sdk.UserRow>,
  Row<typeof ApiKeyRow, sdk.ApiKeyRow>,
  Row<typeof WebhookRow, sdk.WebhookRow>,
  OpenRow<typeof DeliveryRow, sdk.DeliveryRow>,
  Row<typeof SecretRow, sdk.SecretRow>,
] = [true, true, true, true, true, true, true, true, true, true, true, true, true, true, true];

const ROWS = {
  AgentRow,
  AgentAuthRow,
  TaskRow,
  TokenRow,
  AuditRow,
  ActivityRow,
  Pagination,
  ResourceServerRow,
  RoleRow,
  RoleMemberRow,
  UserRow,
  ApiKeyRow,
  WebhookRow,
  DeliveryRow,
  SecretRow,
};

test('the rows of the package have the members of the server’s', () => {
  const source = readFileSync(new URL('../src/shared/rows.ts', import.meta.url), 'utf8');
  const described = [...source.matchAll(/export interface (\w+) \{\n([^}]*)\n\}/g)].map(
    ([, name = '', body = '']) => {
      const members = [...body.matchAll(/^ {2}readonly (\w+)\??:/gm)].map(([, member]) => member);
      return [name, members] as const;
    },
  );
  const declared = Object.entries(ROWS).map(([name, { shape }]) => [name, Object.keys(shape)] as const);
  expect(Object.fromEntries(described)).toEqual(Object.fromEntries(declared));
  expect(described).toHaveLength(SAME_TYPES.length);
});
