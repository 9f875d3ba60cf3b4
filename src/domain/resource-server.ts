import type { Scope } from './scope.ts';

/** An API that accepts task tokens. Its credentials are those of the agent row with the same client id. */
export interface ResourceServer {
  readonly clientId: string;
  readonly name: string;
  /** Absolute URIs; each audience has one owner. */
  readonly audiences: readonly string[];
  /** Rights that it knows; null = any. */
  readonly scopes: Scope | null;
  readonly tokenFormat: 'jwt' | 'opaque';
  readonly createdAt: number;
}
