import { afterAll, afterEach, beforeAll, beforeEach } from '@jest/globals';

type Hook = (run: () => Promise<void>) => void;

/** What is made before all tests of a suite and ended after them. Its members can be read once it is there. */
export function madeOnce<T extends object>(
  make: () => Promise<T>,
  end: (made: T) => Promise<unknown> = async () => undefined,
): T {
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
  const there = (): T => {
    if (!current) throw new Error('it is read before it was made, or after it was ended');
    return current;
  };
  return new Proxy({} as T, {
    get: (_, name) => Reflect.get(there(), name),
    // So that it can be spread, too.
    ownKeys: () => Reflect.ownKeys(there()),
    getOwnPropertyDescriptor(_, name) {
      const descriptor = Reflect.getOwnPropertyDescriptor(there(), name);
      return descriptor && { ...descriptor, configurable: true };
    },
  });
}
