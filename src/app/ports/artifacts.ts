import type { Artifact } from '../artifact.ts';
import type { Page, Paged } from './page.ts';

export interface Artifacts {
  /** Expired ones are found too: the engine tells "expired" from "unknown". */
  find(model: string, id: string): Promise<Artifact | undefined>;
  findByUid(model: string, uid: string): Promise<Artifact | undefined>;
  /** Those that `keep` answers true for; it is asked about many at once. */
  ofAccount(
    model: string,
    accountId: string,
    page: Page,
    keep: (artifacts: readonly Artifact[]) => Promise<readonly boolean[]>,
  ): Promise<Paged<Artifact>>;
  upsert(artifact: Artifact): Promise<void>;
  /** Saves over what is there; what is gone stays gone. */
  update(artifact: Artifact): Promise<void>;
  /** False when the id is taken: replay detection rests on it. */
  insert(artifact: Artifact): Promise<boolean>;
  /** False when it is gone already. */
  destroy(model: string, id: string): Promise<boolean>;
  destroyByGrant(grantId: string): Promise<void>;
}
