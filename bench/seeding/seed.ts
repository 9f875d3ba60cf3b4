import { deriveTask, openTask, type Taskgrant } from '../sides/taskgrant.ts';
import {
  COPIED_TABLES,
  type Generation,
  generate,
  insertCopies,
  readTemplate,
  type Template,
} from './copies.ts';
import { openSeedDatabase, type SeedDatabase } from './seed-database.ts';

/** Children at each level of a tree: 100 + 10,000 + 100,000 tasks below a root, each with one token. */
const FANS = [100, 100, 10] as const;
const LEAVES_KEPT = 20;

/** A tree of tasks in the database. Public token ids. */
export interface SeededTree {
  readonly root: string;
  /** Some of its leaves. */
  readonly leaves: readonly string[];
}

export interface Seeded {
  readonly tokens: number;
  readonly trees: readonly SeededTree[];
}

/**
 * Fills the database of a running Taskgrant by copying what it writes itself: `trees` trees of more than 100,000 tokens
 * each, and root tasks until there are `tokens`. Restarts it.
 */
export async function seed(side: Taskgrant, wanted: { tokens: number; trees: number }): Promise<Seeded> {
  const flat = await openTask(side);
  const families: string[][] = [];
  for (let tree = 0; tree < wanted.trees; tree += 1) families.push(await openFamily(side));
  await side.end();
  const database = await openSeedDatabase(side);
  const restoreIndexes = await database.withoutIndexes(COPIED_TABLES);
  const trees: SeededTree[] = [];
  let tokens = 0;
  for (const [number, family] of families.entries()) {
    const { tree, size } = await growTree(database, family, `tree${number}`);
    trees.push(tree);
    tokens += size;
  }
  if (wanted.tokens > tokens) {
    const template = await readTemplate(database, flat.task_id, []);
    await insertCopies(
      database,
      template,
      await generate(database, template, 'roots', wanted.tokens - tokens),
    );
    tokens = wanted.tokens;
  }
  await restoreIndexes();
  await database.finish();
  await side.restart();
  return { tokens, trees };
}

/** The task ids of a chain from a root to a task at the depth of the leaves. */
async function openFamily(side: Taskgrant): Promise<string[]> {
  let token = await openTask(side);
  const family = [token.task_id];
  for (const _ of FANS) {
    token = await deriveTask(side, token.access_token);
    family.push(token.task_id);
  }
  return family;
}

async function growTree(database: SeedDatabase, family: readonly string[], name: string) {
  const [rootId = '', ...levels] = family;
  const ancestors: Template[] = [await readTemplate(database, rootId, [])];
  let parents: Generation | undefined;
  let size = 0;
  let leaves: readonly string[] = [];
  for (const [level, taskId] of levels.entries()) {
    const template = await readTemplate(database, taskId, ancestors);
    const fan = FANS[level] ?? 1;
    const count = fan * (parents?.count ?? 1);
    const below = parents && { generation: parents, fan };
    const generation: Generation = await generate(database, template, `${name}_${level}`, count, below);
    await insertCopies(database, template, generation);
    leaves = await tokenIds(database, template, generation);
    ancestors.push(template);
    parents = generation;
    size += count;
  }
  return { tree: { root: ancestors[0]?.tokenId ?? '', leaves }, size };
}

/** Token ids of some tasks of a generation, spread over the tree. */
async function tokenIds(
  database: SeedDatabase,
  { tokenId }: Template,
  generation: Generation,
): Promise<string[]> {
  const column = generation.columns.get(tokenId) ?? '';
  const every = Math.max(1, Math.floor(generation.count / LEAVES_KEPT));
  const rows = await database.texts(
    generation.table,
    [{ name: column, literal: (text) => text, typed: (text) => text }],
    `n % ${every} = 0`,
  );
  return rows.map((row) => row[column] ?? '');
}
