import type { HeldRole, RightsHolder } from './role.ts';
import type { Scope } from './scope.ts';

export type UserState = 'active' | 'disabled';

/** A person who signs in, delegates and approves. Times are milliseconds since the epoch. */
export interface User extends RightsHolder {
  readonly userId: string;
  /** Lower-case; unique. */
  readonly email: string;
  readonly name: string;
  readonly state: UserState;
  /** R4: raised when the user is disabled or signed out everywhere. */
  readonly epoch: number;
  /** What the person may delegate, besides what the roles hold: consent never goes beyond both together. */
  readonly permissions: Scope;
  readonly roles: readonly HeldRole[];
  readonly createdAt: number;
}
