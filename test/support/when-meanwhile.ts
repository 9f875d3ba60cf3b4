import type { AppContext } from '../../src/app/context.ts';

/** The same, with something that happens between what a use case reads and its first commit. */
export function whenMeanwhile(context: AppContext, happens: () => Promise<unknown>): AppContext {
  let happened: Promise<unknown> | undefined;
  return {
    ...context,
    store: {
      ...context.store,
      async commit(unit) {
        await (happened ??= happens());
        await context.store.commit(unit);
      },
    },
  };
}
