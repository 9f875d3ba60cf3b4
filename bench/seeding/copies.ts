import { type Column, quoted, type SeedDatabase, type Texts } from './seed-database.ts';

/** Tables whose rows belong to one task, in an order in which they may be filled. */
export const COPIED_TABLES = ['task_ids', 'tasks', 'tokens', 'audit_events'] as const;
type CopiedTable = (typeof COPIED_TABLES)[number];
const BY_TASK: Record<CopiedTable, string> = {
  task_ids: 'task_id',
  tasks: 'task_id',
  tokens: 'task_id',
  audit_events: 'task_id',
};
/** Columns whose values are identifiers of one task alone, unless an ancestor has the same. */
const IDENTIFYING: Record<CopiedTable, readonly string[]> = {
  task_ids: [],
  tasks: ['handle', 'task_id', 'grant_handle'],
  tokens: ['token_id', 'digest'],
  audit_events: ['id', 'unit_id'],
};
/** When a row was made: each copy a millisecond earlier than the one before. */
const MADE_AT = new Set(['created_at', 'issued_at', 'at']);
const ENDS_AT = 'expires_at';
/** Copies outlive the run, so that they count as live. */
const LONGER_MS = 36_000_000;

/** All rows that the product wrote when it opened one task and issued its token. */
export interface Template {
  readonly rows: Readonly<Record<CopiedTable, readonly Texts[]>>;
  /** Identifiers of this task alone. */
  readonly own: readonly string[];
  readonly tokenId: string;
}

/** New identifiers for many tasks; `columns` tells which column replaces which identifier of the template. */
export interface Generation {
  readonly table: string;
  readonly count: number;
  readonly columns: ReadonlyMap<string, string>;
}

export async function readTemplate(
  database: SeedDatabase,
  taskId: string,
  ancestors: readonly Template[],
): Promise<Template> {
  const rows = {} as Record<CopiedTable, readonly Texts[]>;
  for (const table of COPIED_TABLES) {
    const columns = await database.columns(table);
    rows[table] = await database.texts(table, columns, `${BY_TASK[table]} = ${quoted(taskId)}`);
    if (rows[table].length === 0) throw new Error(`the product wrote nothing into ${table}`);
  }
  const inherited = new Set(ancestors.flatMap(({ own }) => own));
  const found = COPIED_TABLES.flatMap((table) =>
    rows[table].flatMap((row) => IDENTIFYING[table].map((column) => row[column])),
  );
  const own = found.filter((id): id is string => typeof id === 'string' && !inherited.has(id));
  return { rows, own: [...new Set(own)], tokenId: rows.tokens[0]?.['token_id'] ?? '' };
}

/** A temporary table of new identifiers: `count` tasks, `fan` of them below each task of the parent generation. */
export async function generate(
  database: SeedDatabase,
  { own }: Template,
  table: string,
  count: number,
  parents?: { readonly generation: Generation; readonly fan: number },
): Promise<Generation> {
  const inherited = [...(parents?.generation.columns ?? [])];
  const columns = new Map(inherited);
  const fresh = own.map((id, i) => {
    const column = `${table}_${i}`;
    columns.set(id, column);
    return `${freshId(database, id)} AS ${column}`;
  });
  const kept = inherited.map(([, column]) => `parent.${column} AS ${column}`);
  const from = parents
    ? `numbers JOIN ${parents.generation.table} parent ON parent.n = 1 + (numbers.n - 1) / ${parents.fan}`
    : 'numbers';
  await database.run(
    `CREATE TEMPORARY TABLE ${table} AS WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ${count})
     SELECT numbers.n AS n, ${[...fresh, ...kept].join(', ')} FROM ${from}`,
  );
  await database.run(`CREATE INDEX ${table}_n ON ${table} (n)`);
  return { table, count, columns };
}

/** Inserts a copy of the template's rows for each task of the generation. */
export async function insertCopies(
  database: SeedDatabase,
  template: Template,
  generation: Generation,
): Promise<void> {
  for (const table of COPIED_TABLES) {
    const columns = await database.columns(table);
    for (const row of template.rows[table]) {
      const values = columns.map((column) => copied(column, row[column.name] ?? null, generation));
      await database.run(
        `INSERT INTO ${table} (${columns.map(({ name }) => `"${name}"`).join(', ')})
         SELECT ${values.join(', ')} FROM ${generation.table} seed`,
      );
    }
  }
}

function copied(column: Column, text: string | null, { columns }: Generation): string {
  if (text === null) return 'NULL';
  if (MADE_AT.has(column.name)) return `${text} - seed.n`;
  if (column.name === ENDS_AT) return `${text} + ${LONGER_MS} - seed.n`;
  const found = [...columns].filter(([id]) => text.includes(id));
  if (found.length === 0) return column.literal(text);
  return column.typed(
    found.reduce((value, [id, fresh]) => `replace(${value}, ${quoted(id)}, seed.${fresh})`, quoted(text)),
  );
}

/** An identifier of the same form: where it begins with the time in hexadecimal digits, so does the new one. */
function freshId({ kind }: SeedDatabase, id: string): string {
  const ordered = /^0[0-9a-f]{11}/.test(id);
  const length = ordered ? id.length - 12 : id.length;
  const random =
    kind === 'postgres'
      ? `substr(md5(random()::text || numbers.n) || md5(random()::text || numbers.n), 1, ${length})`
      : `substr(lower(hex(randomblob(32))), 1, ${length})`;
  if (!ordered) return random;
  const time = Number.parseInt(id.slice(0, 12), 16);
  return kind === 'postgres'
    ? `lpad(to_hex(${time} - numbers.n), 12, '0') || ${random}`
    : `printf('%012x', ${time} - numbers.n) || ${random}`;
}
