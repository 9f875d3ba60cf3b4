// What `import … from '@jest/globals'` imports. The names are bound anew for each suite, for those that imported them
// before as well: modules stay loaded from suite to suite.

import type * as Jest from '@jest/globals';

type Globals = typeof Jest;

export let afterAll: Globals['afterAll'];
export let afterEach: Globals['afterEach'];
export let beforeAll: Globals['beforeAll'];
export let beforeEach: Globals['beforeEach'];
export let describe: Globals['describe'];
export let expect: Globals['expect'];
export let it: Globals['it'];
export let jest: Globals['jest'];
export let test: Globals['test'];

/** From now on they are those of the suite that Jest is about to run. */
export function useGlobals(globals: Globals): void {
  ({ afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest, test } = globals);
}
