/** What a database is and where, for people: `PostgreSQL at db.example:5432`. Nothing of it is secret. */
export function placeOf(databaseUrl: string | undefined): string {
  if (!databaseUrl) return 'the embedded database';
  // The driver prefers those of the query; without any it takes PGHOST and PGPORT.
  const url = URL.parse(databaseUrl) ?? URL.parse(databaseUrl.replace('@/', '@socket/'));
  const host = url?.searchParams.get('host') || url?.hostname;
  const port = url?.searchParams.get('port') || url?.port;
  return `PostgreSQL at ${host || (process.env['PGHOST'] ?? 'localhost')}:${port || (process.env['PGPORT'] ?? 5432)}`;
}
