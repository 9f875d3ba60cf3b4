import { afterAll, afterEach, beforeAll, beforeEach } from '@jest/globals';

type Hook = (run: () => Promise<void>) => void;

/** What is made before all tests of a suite and ended after them. Its members can be read once it is there. */
export function madeOnce<T extends object>(make: () => Promise<T>, end: (made: T) => Promise<unknown>): T {
  return made(beforeAll, afterAll, make, end);
}

/** What is made anew for each test. */
export function madeForEach<T extends object>(make: () => Promise<T>, end: (made: T) => Promise<unknown>): T {
  return made(beforeEach, afterEach, make, end);
}

function made<T extends object>(
  before: Hook,
  after: Hook,
  make: () => Promise<T>,
  end: (made: T) => Promise<unknown>,
): T {
  let current: T | undefined;
  before(async () => {
    current = await make();
  });
  after(async () => {
    const last = current;
    current = undefined;
    if (last) await end(last);
  });
  return new Proxy({} as T, {
    get(_, name) {
      if (!current) throw new Error(`${String(name)} is read where nothing was made yet, or no more`);
      return Reflect.get(current, name);
    },
  });
}
