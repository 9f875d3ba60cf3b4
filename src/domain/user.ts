import type { Scope } from './scope.ts';

export type UserState = 'active' | 'disabled';

/** A person who signs in, delegates and approves. Times are milliseconds since the epoch. */
export interface User {
  readonly userId: string;
  /** Lower-case; unique. */
  readonly email: string;
  readonly name: string;
  readonly state: UserState;
  /** R4: raised when the user is disabled or signed out everywhere. */
  readonly epoch: number;
  /** What the person may delegate: consent never goes beyond it. */
  readonly permissions: Scope;
  readonly createdAt: number;
}
