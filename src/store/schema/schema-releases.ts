/**
 * Releases overlap while servers are replaced one by one: each works with the schema of the next one. So a migration
 * only adds (expand). What nothing uses any more is taken away later (contract), by a migration that says so in its
 * name: `…_contract_after_20261121100000_…` needs servers that know the migration of that time or a later one.
 */
const CONTRACT = /^\d{14}_contract_after_(\d{14})_/;
const TIME_LENGTH = 14;

/**
 * Compares the migrations that a release knows with those that a database has; both in order.
 * @returns the migrations of newer releases that were applied, and that this one can work with.
 * @throws Error when it cannot, or when the database has a history of its own.
 */
export function requireCompatible(
  known: readonly string[],
  applied: readonly string[],
): { readonly newer: readonly string[] } {
  const newer = applied.filter((name) => !known.includes(name));
  if (newer.length === 0) return { newer };
  const latest = known.at(-1) ?? '';
  const strange = newer.filter((name) => name < latest);
  const missing = known.filter((name) => !applied.includes(name));
  if (strange.length > 0 || missing.length > 0) {
    throw new Error(
      `the database has another history than this release: ${[...strange, ...missing].join(', ')} differ`,
    );
  }
  for (const name of newer) requireKnowledge(name, latest);
  return { newer };
}

function requireKnowledge(contract: string, latest: string): void {
  const since = CONTRACT.exec(contract)?.[1];
  if (since === undefined || latest.slice(0, TIME_LENGTH) >= since) return;
  throw new Error(
    `this release is too old for the database: ${contract} took away what it needs. Start a newer release`,
  );
}
