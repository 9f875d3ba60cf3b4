/** One ancestor of a task (R5). `via` is the token_id through which the next task was derived. */
export interface Ancestor {
  /** Internal handle of the ancestor task: the name it has in the ledger. */
  readonly task: string;
  readonly via: string;
  readonly client: string;
  readonly grant: string;
  /** The client's epoch when the ancestor was authorised (R4). */
  readonly epoch: number;
}

/** Ancestors only, root first; empty for a root task. */
export type Lineage = readonly Ancestor[];

interface LineageSource {
  readonly handle: string;
  readonly clientId: string;
  readonly grant: string;
  readonly clientEpoch: number;
  readonly lineage: Lineage;
}

/** The lineage of a task derived from `parent` through the token `via`. */
export function extendLineage(parent: LineageSource, via: string): Lineage {
  const { handle, clientId, grant, clientEpoch, lineage } = parent;
  return [...lineage, { task: handle, via, client: clientId, grant, epoch: clientEpoch }];
}
