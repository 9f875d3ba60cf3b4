import type { ApiKey } from '../../domain/api-key.ts';
import type { Page, Paged } from './page.ts';

/** Always read from the database, never from memory: a key that was ended works on no node. */
export interface ApiKeyReads {
  /** One look-up in a unique index, whatever the number of keys. */
  byPrefix(prefix: string): Promise<ApiKey | undefined>;
  byId(keyId: string): Promise<ApiKey | undefined>;
  /** Of one agent, newest first, ended ones too while they are kept. */
  ofAgent(clientId: string, page: Page): Promise<Paged<ApiKey>>;
  /** Tasks that one key, or any key of an agent, opened and that are neither ended nor expired; `most` at most. */
  openTasks(of: OpenedBy, now: number, most: number): Promise<readonly OpenedTask[]>;
}

export type OpenedBy = { readonly keyId: string } | { readonly clientId: string };

export interface OpenedTask {
  readonly handle: string;
  /** Its tokens that have neither expired nor been used up. */
  readonly tokens: number;
}
