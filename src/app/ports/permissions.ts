/** A permission that an administrator added to the catalogue. */
export interface CatalogueEntry {
  readonly permission: string;
  readonly description: string;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
}

export interface PermissionReads {
  byName(permission: string): Promise<CatalogueEntry | undefined>;
  /** All of them, oldest first: administrators write them one by one. */
  all(): Promise<readonly CatalogueEntry[]>;
}
