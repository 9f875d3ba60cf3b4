import type { ResourceServer } from '../../domain/resource-server.ts';

export interface ResourceServerReads {
  byClientId(clientId: string): Promise<ResourceServer | undefined>;
  byAudience(audience: string): Promise<ResourceServer | undefined>;
  all(): Promise<readonly ResourceServer[]>;
}
