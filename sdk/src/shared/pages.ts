/** One page of a list as the server answers it. */
export interface Page<T> {
  readonly items: readonly T[];
  /** Where the next page begins; null at the end. */
  readonly next: string | null;
}

/** A list, page by page or row by row. Nothing is asked before it is read, and no further than it is read. */
export interface Pages<T> extends AsyncIterable<T> {
  /** One page: the first, or the one that begins at a cursor. */
  page(cursor?: string): Promise<Page<T>>;
  /** At most so many rows, as an array. */
  take(most: number): Promise<T[]>;
}

export function pagesOf<T>(page: (cursor: string | undefined) => Promise<Page<T>>): Pages<T> {
  async function* rows(): AsyncGenerator<T, void, undefined> {
    let cursor: string | undefined;
    do {
      const { items, next } = await page(cursor);
      yield* items;
      cursor = next ?? undefined;
    } while (cursor !== undefined);
  }
  return {
    page: (cursor) => page(cursor),
    [Symbol.asyncIterator]: rows,
    async take(most) {
      const taken: T[] = [];
      if (most < 1) return taken;
      for await (const row of rows()) {
        if (taken.push(row) >= most) break;
      }
      return taken;
    },
  };
}
