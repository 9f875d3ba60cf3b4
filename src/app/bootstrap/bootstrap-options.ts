import type { ResourceServer } from '../../domain/resource-server.ts';

export interface DeclaredResourceServer extends Pick<ResourceServer, 'name' | 'audiences' | 'tokenFormat'> {
  /** Absent or null = any right. */
  readonly scopes?: readonly string[] | null | undefined;
}

export interface BootstrapOptions {
  readonly adminEmail?: string | undefined;
  readonly adminPassword?: string | undefined;
  readonly adminClientSecret?: string | undefined;
  /** Whether what is not given may be made up: in development only. */
  readonly allowGenerate: boolean;
  /** What the configuration declares. */
  readonly exampleServers: readonly DeclaredResourceServer[];
  /** The scope catalogue: the first administrator may delegate all of it. */
  readonly scopes: readonly string[];
}

/** What was made up, in clear: shown once by whoever started the server. */
export interface Bootstrapped {
  readonly administrator?: { readonly email: string; readonly password: string } | undefined;
  readonly adminClient?: { readonly clientId: string; readonly clientSecret: string } | undefined;
}
